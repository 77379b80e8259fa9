use crate::diagnose::rules::{
    broker::servers::{finding, server_logs},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-monitor-unreachable",
    title: "The broker's monitor does not answer",
    explains: &["meshsync-crash-loop", "meshsync-not-ready"],
    explanation: include_str!("monitor_unreachable.md"),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-monitor-answers",
    title: "the broker's monitor answers where its client port does",
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
                    "{name} answers on port {} and not on its monitor's, {}",
                    ports.client_port, ports.monitor_port
                ))
                .message(
                    "MeshSync asks the monitor before it connects: it does not start, or not come back from its next \
                     restart. And nobody can tell who is connected, so that the states are at least what is proven.",
                )
                .evidence(format!("port {}: NATS {} greets", ports.client_port, server.varz.version))
                .evidence(format!("port {}: {}", ports.monitor_port, failure.message))
                .remedy(if context.is_foreign(server) {
                    "start that server with its monitor, and let MeshSync reach the port"
                } else {
                    "see what the server is configured with, and have the operator put its configuration back"
                })
                .command(server_logs(context, server, 30))
                .command(context.restart(Component::Operator))
                .done(),
        )
    });
    Outcome::of(findings.collect())
}
