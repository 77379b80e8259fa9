use std::collections::BTreeSet;

use crate::{
    diagnose::{rules::prelude::*, stack_view::Line},
    facts::Connection,
    report::WorkloadRef,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-split",
    title: "The broker servers are not clustered",
    explains: &["broker-server-not-connected", "server-broker-unreachable", "database-empty", "database-stale"],
    explanation: include_str!("split.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-whole", title: "the broker servers are clustered", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let servers = &context.facts.broker.servers;
    if servers.is_empty() {
        return Outcome::skip("no broker server responded");
    }
    let findings = context.statefulsets.items().iter().filter_map(|set| {
        let name = stack::name(&set.metadata);
        let own: Vec<&BrokerServer> = servers
            .iter()
            // The routes of a server without a monitor are unknown.
            .filter(|server| server.monitor.is_none())
            .filter(|server| context.pod_of(server).is_some_and(|pod| rollout::is_pod_of(pod, name)))
            .collect();
        let apart = own.len() > 1 && own.iter().all(|server| server.varz.routes == 0);
        apart.then(|| split(context, name, &own))
    });
    Outcome::of(findings.collect())
}

fn split(context: &RuleContext<'_>, set: &str, own: &[&BrokerServer]) -> Finding {
    let profile = context.facts.profile;
    let on = |clients: &[(&BrokerServer, &Connection)]| -> BTreeSet<String> {
        clients.iter().map(|(server, _)| server_name(context, server).to_owned()).collect()
    };
    let (from, to) = (on(&context.clients.meshsync), on(&context.clients.server));
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let (title, message) = if from.is_empty() || to.is_empty() {
        (
            format!("The {} servers of {set} are not clustered", own.len()),
            "What MeshSync publishes to one server never reaches clients of another. The operator writes no cluster \
             configuration, so a size above 1 only splits the broker."
                .to_owned(),
        )
    } else if from.is_disjoint(&to) {
        (
            format!(
                "MeshSync is on {}, {} Server on {}: every message is lost",
                list(&from),
                profile.product,
                list(&to)
            ),
            format!(
                "Both are connected and every pod is green, but nothing reaches {}: the {} servers of {set} are not \
                 clustered. The operator writes no cluster configuration, so a size above 1 only splits the broker.",
                profile.product,
                own.len()
            ),
        )
    } else {
        (
            format!(
                "The {} servers of {set} are not clustered; MeshSync and {} Server share one by chance",
                own.len(),
                profile.product
            ),
            format!(
                "Both are on {}. After the next restart of either, they may not be, and every message is lost. The \
                 operator writes no cluster configuration, so a size above 1 only splits the broker.",
                list(&from.intersection(&to).cloned().collect())
            ),
        )
    };
    let clients = own.iter().map(|server| {
        let names = server.connections.items().iter().map(|connection| connection.name.as_str());
        let clients: Vec<&str> =
            names.filter(|name| *name == profile.meshsync.client || profile.server.clients.contains(name)).collect();
        let clients = if clients.is_empty() { "none of this stack".into() } else { clients.join(", ") };
        format!("clients of {}: {clients}", server_name(context, server))
    });
    let broker = context.broker_name();
    let is_old = context.line == Some(Line::Old);
    // Someone may have scaled the StatefulSet, which the operator of the old line leaves as it is.
    let is_asked_for = context.brokers.items().iter().any(|broker| broker.spec.size.unwrap_or(1) > 1);
    let patch = || context.kubectl().patch(context.custom_resource("Broker", broker), json!({ "spec": { "size": 1 } }));
    DIAGNOSIS
        .finding()
        .title(title)
        .message(message)
        .object(context.object("StatefulSet", set))
        .evidence("no server has a route to another (/varz routes: 0)")
        .evidences(clients)
        .remedy(match (is_old, is_asked_for) {
            (true, true) => {
                "set the Broker's size to 1, and scale the StatefulSet, which this operator never changes, then \
                 restart MeshSync"
            }
            (true, false) => {
                "scale the StatefulSet, which this operator never changes, to the size of the Broker CR, then restart \
                 MeshSync"
            }
            (false, _) => "set the Broker's size to 1, then restart MeshSync",
        })
        .commands((is_asked_for || !is_old).then(patch))
        .commands(
            is_old
                .then(|| context.kubectl().run(Action::Scale { workload: WorkloadRef::statefulset(set), replicas: 1 })),
        )
        .command(context.restart(Component::Meshsync))
        .done()
}
