use std::collections::BTreeSet;

use crate::{diagnose::rules::prelude::*, facts::Connection};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-split",
    title: "The broker's servers do not share messages",
    explains: &["broker-server-not-connected"],
    explanation: include_str!("split.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static CHECK: Check =
    Check { id: "broker-whole", title: "the broker's servers share their messages", ..Check::of(&[&DIAGNOSIS], judge) };

fn judge(context: &RuleContext<'_>) -> Judgement {
    let servers = &context.facts.broker.servers;
    if servers.is_empty() {
        return Outcome::skip("no broker server answered");
    }
    let findings = context.statefulsets.items().iter().filter_map(|set| {
        let name = stack::name(&set.metadata);
        let own: Vec<&BrokerServer> = servers
            .iter()
            // Of a server without a monitor it is not known what routes it has.
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
            format!("The {} servers of {set} do not share messages", own.len()),
            "What MeshSync publishes on one server, a reader on another never sees. The operator writes no cluster \
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
                "Both are connected, every pod is green, and nothing of the cluster reaches {}: the {} servers of {set} do not \
                 share messages. The operator writes no cluster configuration, so a size above 1 only splits the broker.",
                profile.product,
                own.len()
            ),
        )
    } else {
        (
            format!(
                "The {} servers of {set} do not share messages; MeshSync and {} Server meet by luck",
                own.len(),
                profile.product
            ),
            format!(
                "Both happen to be on {}. After the next restart of either they may not be, and every message is lost. The \
                 operator writes no cluster configuration, so a size above 1 only splits the broker.",
                list(&from.intersection(&to).cloned().collect())
            ),
        )
    };
    let clients = own.iter().map(|server| {
        let names = server.connections.items().iter().map(|connection| connection.name.as_str());
        let clients: Vec<&str> =
            names.filter(|name| *name == profile.meshsync.client || profile.server.clients.contains(name)).collect();
        let clients = if clients.is_empty() { "none of the stack".into() } else { clients.join(", ") };
        format!("clients of {}: {clients}", server_name(context, server))
    });
    let broker = context.broker_name();
    DIAGNOSIS
        .finding()
        .title(title)
        .message(message)
        .object(context.object("StatefulSet", set))
        .evidence("no server has a route to another (/varz routes: 0)")
        .evidences(clients)
        .remedy("set the Broker's size to 1, then restart MeshSync")
        .command(context.kubectl().patch(format!("broker/{broker}"), r#"{"spec":{"size":1}}"#))
        .command(context.restart(Component::Meshsync))
        .done()
}
