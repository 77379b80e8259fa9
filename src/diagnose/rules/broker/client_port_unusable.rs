use crate::diagnose::rules::{
    broker::{
        BROKER_DOWN,
        client_port::{ClientPort, client_port},
        servers::{Unsaid, each_server, finding, server_logs},
    },
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-client-port-unusable",
    title: "The broker's client port does not speak NATS",
    explains: BROKER_DOWN,
    explanation: include_str!("client_port_unusable.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-client-port-speaks",
    title: "the broker's client port speaks NATS",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    each_server(context, |server, _| match client_port(context, server) {
        ClientPort::Speaks => Ok(None),
        ClientPort::Closing => Err(Unsaid(" is shutting down and refuses new clients".into())),
        ClientPort::Unknown(why) => Err(Unsaid(format!(": {why}"))),
        ClientPort::Unusable(why) => Ok(Some(unusable(context, server, why))),
    })
}

fn unusable(context: &RuleContext<'_>, server: &BrokerServer, why: &str) -> Finding {
    let ports = &context.facts.profile.broker;
    let name = server_name(context, server);
    let draft = finding(&DIAGNOSIS, context, server)
        .title(format!(
            "{name} responds on monitor port {} but does not speak NATS on port {}",
            ports.monitor_port, ports.client_port
        ))
        .message(
            "MeshSync publishes through the client port, so it cannot connect, at the latest after its next restart. \
             Only the monitor responds, and it still lists the clients that were connected.",
        )
        .evidence(format!("port {}: the monitor of NATS {} responds", ports.monitor_port, server.varz.version))
        .evidence(format!("port {}: {why}", ports.client_port));
    if context.is_foreign(server) {
        return draft
            .remedy("find out what listens on that server's client port, and start a NATS server there")
            .done();
    }
    draft
        .remedy("check its log, then restart it; also restart MeshSync if the outage lasted more than two minutes")
        .command(server_logs(context, server, 50))
        .command(context.restart(Component::Broker))
        .done()
}
