//! `network-probe`: what the pod of `test network` runs. Its output is read by the run that created the pod.

use crate::{
    cli::{args::NetworkProbe, exit::Exit, output::Redacted, terminal::Terminal},
    facts::{destination, network::Address},
    observe::connectivity,
    stack::base::usage::UsageError,
};

pub(crate) async fn run(args: &NetworkProbe, terminal: &Terminal) -> anyhow::Result<Exit> {
    let addresses = args.brokers.iter().map(|broker| {
        let (host, port) = destination::host_and_port(broker)
            .ok_or_else(|| UsageError::new(format!("--broker must be HOST:PORT, not \"{broker}\"")))?;
        Ok(Address { host, port, monitor_port: args.monitor_port })
    });
    let addresses: Vec<Address> = addresses.collect::<Result<_, UsageError>>()?;
    terminal.answer(&Redacted::json(&connectivity::network::probe::run(addresses).await))?;
    Ok(Exit::Ok)
}
