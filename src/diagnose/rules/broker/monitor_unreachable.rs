use crate::diagnose::rules::{
    broker::servers::{finding, server_logs},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-monitor-unreachable",
    title: "The broker's monitor does not respond",
    explains: &["meshsync-crash-loop", "meshsync-not-ready"],
    explanation: include_str!("monitor_unreachable.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-monitor-answers",
    title: "the broker's monitor responds wherever its client port does",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let ports = &context.facts.profile.broker;
    let findings = asked_servers(context)?.iter().filter_map(|server| {
        let failure = server.monitor.as_ref()?;
        let name = server_name(context, server);
        Some(
            finding(&DIAGNOSIS, context, server)
                .title(format!(
                    "{name} responds on port {} but not on monitor port {}",
                    ports.client_port, ports.monitor_port
                ))
                .message(
                    "MeshSync checks the monitor before it connects, so it does not start, or cannot connect after a \
                     restart. Without the monitor, clients cannot be listed, so states show only what is proven.",
                )
                .evidence(format!("port {}: NATS {} sends its greeting", ports.client_port, server.varz.version))
                .evidence(format!("port {}: {}", ports.monitor_port, failure.message))
                .remedy(if context.is_foreign(server) {
                    "start that server with its monitor enabled, and let MeshSync reach the port"
                } else {
                    "check the server's configuration, then restart the operator; if it does not restore it, \
                     redeploy the broker"
                })
                .command(server_logs(context, server, 30))
                .command(context.restart(Component::Operator))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}
