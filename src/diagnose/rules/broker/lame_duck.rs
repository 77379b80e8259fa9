use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::rules::{broker::servers::own_pod, prelude::*},
    facts::{FailureKind, FailureReason, Handshake},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-lame-duck",
    title: "A broker server is shutting down",
    explains: &[
        "broker-not-ready",
        "meshsync-not-connected",
        "meshsync-silent",
        "flow-event-missing",
        "server-broker-unreachable",
    ],
    explanation: include_str!("lame_duck.md"),
    cure: Cure::Person("the pod is replaced without help; if it is not, its log shows why"),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-stays", title: "no broker server is shutting down", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let mut findings = Vec::new();
    for server in &context.facts.broker.servers {
        let name = server_name(context, server);
        let ports = &context.facts.profile.broker;
        let said = server.greeting.as_ref().is_some_and(|g| g.lame_duck);
        let closed = closed_gracefully(context, server);
        let evidence = if said {
            format!("INFO from {name} contains ldm: true")
        } else if closed {
            format!(
                "{name}: monitor port {} responds, but {} refuses new clients, although /varz names it as the client \
                 port",
                ports.monitor_port, ports.client_port
            )
        } else {
            continue;
        };
        findings.push(shutting_down(context, name, &[evidence]));
    }
    findings.extend(context.broker_pods.iter().filter_map(|pod| {
        let evidence = ending(context, pod)?;
        Some(shutting_down(context, stack::name(&pod.metadata), &evidence))
    }));
    if findings.is_empty() {
        asked_servers(context)?;
    }
    Outcome::of(findings)
}

/// Whether a server is shutting down gracefully.
pub(crate) fn is_lame_duck(context: &RuleContext<'_>, server: &BrokerServer) -> bool {
    let said = server.greeting.as_ref().is_some_and(|g| g.lame_duck);
    said || closed_gracefully(context, server)
}

/// Whether a server refuses clients as in a graceful shutdown: it closes its client port and keeps the monitor while it
/// has clients or its pod is terminating. Without either it would already be gone, and a server that is configured with
/// another port does not listen on this one at all.
fn closed_gracefully(context: &RuleContext<'_>, server: &BrokerServer) -> bool {
    let refused = matches!(&server.handshake, Handshake::Failed(failure)
        if failure.reason == FailureReason::Refused && failure.kind == FailureKind::Broker);
    let ends = || own_pod(context, server).is_some_and(|pod| ending(context, pod).is_some());
    refused
        && server.greeting.is_none()
        && server.varz.port == Some(context.facts.profile.broker.client_port)
        && (server.varz.connections > 0 || !server.connections.items().is_empty() || ends())
}

/// Whether a pod is terminating while its server still runs: its preStop hook has started lame duck mode.
fn ending(context: &RuleContext<'_>, pod: &Pod) -> Option<[String; 2]> {
    let deleted = pod.metadata.deletion_timestamp.as_ref()?;
    let container = context.facts.profile.broker.container;
    let state = stack::container(pod, container)?.state.as_ref()?;
    state.running.as_ref()?;
    Some([format!("metadata.deletionTimestamp is {:.0}", deleted.0), format!("container {container} is still running")])
}

fn shutting_down(context: &RuleContext<'_>, name: &str, evidence: &[String]) -> Finding {
    DIAGNOSIS
        .finding()
        .title(format!("{name} is shutting down and refuses new clients"))
        .message(
            "It disconnects its clients gradually, then exits. This is normal during a restart; if it is still there \
             minutes later, the pod is stuck terminating. MeshSync gives up permanently after two minutes without a \
             broker.",
        )
        .object(context.object("Pod", name))
        .evidences(evidence.iter().cloned())
        .remedy("wait for the new pod and check that both clients reconnect; if MeshSync does not, restart it")
        .command(context.kubectl().inspect(format!("rollout status {}", context.workload(Component::Broker))))
        .command(context.restart(Component::Meshsync))
        .done()
}
