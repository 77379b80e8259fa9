//! Brokers and port-forwards that inject faults: named behaviors × commands × expected exit codes.

use std::{net::Ipv4Addr, path::Path};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    commands::READING,
    measured::{Measured, faults},
    nats::{ClientPort, FaultBroker, Monitor},
};
use crate::{
    bed::{self, Line, Stack, users},
    fault_proxy::{Fault, FaultProxy, Forward},
    tool::meshdoctor,
};

const TOKEN: &str = "tThisTokenIsForTheBrokerAndForNobodyElse0123456789";

/// The timeout of each command.
const TIMEOUT: &str = "10s";

/// The number of commands that run at the same time.
const CONCURRENCY: usize = 5;

const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
const ERROR: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
const EVIL: &str = "unable to do it\u{1b}]0;mine\u{7}\u{9b}2J\r\nsecond line";
/// It announces that it closes the connection, as the proxy does. A client must not send its next request there.
const DENIED: &str = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/html\r\n\
                      Content-Length: 13\r\n\r\n<html></html>";

/// A behavior and the exit codes of all commands, in the order of `READING`.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    client: ClientPort,
    monitor: Monitor,
    forward: Option<Forward>,
    codes: &'static str,
    /// Whether the server has the id that our own pod's monitor reports, so that it may receive the token.
    known: bool,
}

const fn case(name: &'static str, client: ClientPort, monitor: Monitor, codes: &'static str) -> Case {
    Case { name, client, monitor, forward: None, codes, known: false }
}

const fn known(case: Case) -> Case {
    Case { known: true, ..case }
}

const fn with_forward(name: &'static str, forward: Forward, codes: &'static str) -> Case {
    Case { forward: Some(forward), ..case(name, ClientPort::Honest, Monitor::Honest, codes) }
}

/// Client port behaviors. The columns of every table are: check, preflight, status, and the tests of kubernetes,
/// operator, broker, meshsync and dataflow, then watch-list and record, and server status and test server, which find no
/// server here.
const CLIENT_PORTS: &[Case] = &[
    known(case("honest", ClientPort::Honest, Monitor::Honest, "000000130033")),
    case("client port refused", ClientPort::Refused, Monitor::Honest, "100001110033"),
    case("client port silent", ClientPort::Silent, Monitor::Honest, "100001110033"),
    case("client port closes", ClientPort::Closes, Monitor::Honest, "100001110033"),
    case("client port speaks HTML", ClientPort::Says(HTML), Monitor::Honest, "100001110033"),
    case("client port of another server", ClientPort::OtherServer, Monitor::Honest, "100001110033"),
    case("client port sends an endless line", ClientPort::EndlessLine, Monitor::Honest, "100001110033"),
    case("endless line, and a late monitor", ClientPort::EndlessLine, Monitor::Late, "100001110033"),
    known(case("client port greets only", ClientPort::GreetsOnly, Monitor::Honest, "100001110033")),
    known(case(
        "client port refuses the token",
        ClientPort::Refuses("-ERR 'Authorization Violation'\r\n"),
        Monitor::Honest,
        "100001110033",
    )),
    known(case("flood of small messages", ClientPort::Floods(1000), Monitor::Honest, "000001130033")),
    known(case("flood of large messages", ClientPort::Floods(1 << 20), Monitor::Honest, "000001130033")),
    known(case("messages that are too large", ClientPort::Floods(32 << 20), Monitor::Honest, "000001130033")),
];

/// Monitor port behaviors.
const MONITORS: &[Case] = &[
    case("nothing listens", ClientPort::Refused, Monitor::Refused, "103001310033"),
    case("both ports silent", ClientPort::Silent, Monitor::Silent, "303003330033"),
    case("both ports close", ClientPort::Closes, Monitor::Closes, "303003330033"),
    case("monitor refused", ClientPort::Honest, Monitor::Refused, "303003330033"),
    case("monitor silent", ClientPort::Honest, Monitor::Silent, "303003330033"),
    case("monitor speaks SSH", ClientPort::Silent, Monitor::Says("SSH-2.0-OpenSSH_9.9\r\n"), "103001310033"),
    case("monitor speaks HTML", ClientPort::Silent, Monitor::Says(HTML), "103001310033"),
    case("monitor answers 500", ClientPort::Silent, Monitor::Says(ERROR), "103001310033"),
    case("varz is endless", ClientPort::Silent, Monitor::EndlessVarz, "103001310033"),
    known(case("connz is endless", ClientPort::Honest, Monitor::EndlessConnz, "303003330033")),
    known(case("connz has a total that it does not deliver", ClientPort::Honest, Monitor::ShortTotal, "303003130033")),
    known(case("connz has endless pages", ClientPort::Honest, Monitor::EndlessPages, "303003130033")),
    known(case("connz has slow pages", ClientPort::Honest, Monitor::SlowPages, "303003130033")),
    known(case("connz has 3000 clients", ClientPort::Honest, Monitor::Crowd(3000), "000000130033")),
    known(case("connz has large names", ClientPort::Honest, Monitor::LargeNames, "000000130033")),
];

/// Port-forward behaviors.
const FORWARDS: &[Case] = &[
    with_forward("port-forward silent", Forward::Silent, "303003330033"),
    with_forward("port-forward closes", Forward::Closes, "303003330033"),
    with_forward("port-forward breaks its framing", Forward::Garbage, "303003330033"),
    with_forward("port-forward has another channel", Forward::WrongChannel, "303003330033"),
    with_forward("kubelet cannot forward", Forward::KubeletSays(EVIL), "303003330033"),
    with_forward("port-forward answered with HTML", Forward::Answers(DENIED), "303003330033"),
];

fn run(command: &str, kubeconfig: &Path, namespace: &str) -> Measured {
    let tool = meshdoctor(command).kubeconfig(kubeconfig).arg("-n").arg(namespace);
    Measured::run(tool.arg("--timeout").arg(TIMEOUT).arg("-v"))
}

/// Runs the commands, a few at a time. A command that shares the processor with too many others has no time left for
/// its broker.
async fn run_all(commands: &[&'static str], kubeconfig: &Path, namespace: &str) -> Result<Vec<Measured>> {
    let runs = commands.iter().map(|&command| {
        let (kubeconfig, namespace) = (kubeconfig.to_owned(), namespace.to_owned());
        async move { tokio::task::spawn_blocking(move || run(command, &kubeconfig, &namespace)).await }
    });
    Ok(futures_util::stream::iter(runs).buffered(CONCURRENCY).try_collect().await?)
}

/// Starts a stack and stops its broker. Returns the stack and the broker's address.
async fn stack_without_broker(bed: &bed::Lease) -> Result<(Stack, Ipv4Addr)> {
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).token(TOKEN).start(bed).await?;
    stack.nats(0).kill();
    let address = stack.nats(0).address;
    Ok((stack, address))
}

/// Runs the first of [`READING`], or as many as given, with each of the cases.
async fn assert_handled(cases: &[Case], commands: usize) -> Result<()> {
    let commands = &READING[..commands];
    let bed = &bed::lease().await?;
    let (_stack, address) = stack_without_broker(bed).await?;
    let mut all = Vec::new();
    for case in cases {
        assert_eq!(case.codes.len(), READING.len(), "{}", case.name);
        let broker = FaultBroker::start(address, case.client, case.monitor);
        let proxy = match case.forward {
            None => None,
            Some(forward) => Some(FaultProxy::start(bed, users::ADMIN, Fault::Forwards(forward))?),
        };
        let direct = bed.kubeconfig();
        let kubeconfig = proxy.as_ref().map_or(&direct, |proxy| &proxy.kubeconfig);
        let mut codes = String::new();
        let mut problems = Vec::new();
        let runs = run_all(commands, kubeconfig, bed.namespace()).await?;
        for ((command, ran), wanted) in commands.iter().zip(runs).zip(case.codes.chars()) {
            codes.push_str(&ran.code.to_string());
            let wanted = wanted.to_digit(10).expect("an exit code").try_into()?;
            for fault in faults(command, &ran, wanted, &[TOKEN]) {
                problems.push(format!("  {command}: {fault}"));
            }
        }
        if !case.known && broker.received().contains(TOKEN) {
            problems.push("  it received the token".into());
        }
        if !problems.is_empty() {
            all.push(format!("{}: {codes}\n{}", case.name, problems.join("\n")));
        }
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
    Ok(())
}

#[tokio::test]
async fn check_handles_client_port_faults() -> Result<()> {
    assert_handled(CLIENT_PORTS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_client_port_faults() -> Result<()> {
    assert_handled(CLIENT_PORTS, READING.len()).await
}

#[tokio::test]
async fn check_handles_monitor_faults() -> Result<()> {
    assert_handled(MONITORS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_monitor_faults() -> Result<()> {
    assert_handled(MONITORS, READING.len()).await
}

#[tokio::test]
async fn check_reads_20000_connections() -> Result<()> {
    let bed = &bed::lease().await?;
    let (_stack, address) = stack_without_broker(bed).await?;
    let _broker = FaultBroker::start(address, ClientPort::Honest, Monitor::Crowd(20_000));
    let (kubeconfig, namespace) = (bed.kubeconfig(), bed.namespace().to_owned());
    let command = READING[0];
    let ran = tokio::task::spawn_blocking(move || run(command, &kubeconfig, &namespace)).await?;
    let faults = faults(command, &ran, 0, &[TOKEN]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn check_handles_port_forward_faults() -> Result<()> {
    assert_handled(FORWARDS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_port_forward_faults() -> Result<()> {
    assert_handled(FORWARDS, READING.len()).await
}
