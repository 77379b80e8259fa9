use std::collections::BTreeMap;

use super::hub_of;
use crate::{
    diagnose::rules::prelude::*,
    facts::hub::{HubObject, Relay},
    stack::{controllers::ENTERPRISE, hub::Role},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-agent-disconnected",
    title: "The agent of a registered cluster is not connected",
    explanation: include_str!("agent_disconnected.md"),
    cure: Cure::Person(because::ACCESS),
    ..Diagnosis::fault(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-agents-connected",
    title: "the agent of each registered cluster is connected",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    if !hub.is_enterprise() {
        return Outcome::skip("only agents of the enterprise release connect to the management plane");
    }
    let clusters = hub.of(Role::Cluster).known_or_unknown()?;
    let relay = match hub.relay() {
        Seen::NotLooked => return Outcome::skip(format!("{ENTERPRISE} is not running, or was not asked")),
        seen => seen.known_or_unknown()?,
    };
    let registered: Vec<&str> = clusters.iter().map(HubObject::name).collect();
    let mut findings: Vec<Finding> = registered.iter().filter_map(|name| of_registered(context, relay, name)).collect();
    let unknown =
        relay.push.iter().flatten().filter(|(name, count)| **count > 0 && !registered.contains(&name.as_str()));
    findings.extend(unknown.map(|(name, count)| of_unregistered(context, name, *count)));
    Outcome::of(findings)
}

/// A registered cluster that lacks one of the two connections.
fn of_registered(context: &RuleContext<'_>, relay: &Relay, cluster: &str) -> Option<Finding> {
    let count = |gauge: &Option<BTreeMap<String, i64>>| gauge.as_ref().and_then(|it| it.get(cluster).copied());
    let (pull, push) = (count(&relay.pull), count(&relay.push));
    if pull.unwrap_or_default() > 0 && push.unwrap_or_default() > 0 {
        return None;
    }
    let never = pull.is_none() && push.is_none();
    let shown = |name: &str, value: Option<i64>| match value {
        Some(value) => format!("{name}{{cluster=\"{cluster}\"}} {value}"),
        None => format!("{name}: no value for cluster {cluster}"),
    };
    let meaning = if never {
        "Its agent has never connected since the controller started."
    } else {
        "Its agent was connected, and is not now."
    };
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("The agent of cluster {cluster} is not connected"))
            .message(format!("{meaning} Nothing new is discovered there, and no policy is applied there."))
            .object(ObjectRef {
                kind: "KubernetesCluster".into(),
                namespace: Some(context.facts.target.namespace.clone()),
                name: cluster.into(),
            })
            .evidence(shown("relay_pull_clients_connected", pull))
            .evidence(shown("relay_push_clients_connected", push))
            .remedy(format!(
                "check enterprise-agent on cluster {cluster}: that it runs, that its --relay-address can be reached from \
                 there, and that its certificate is signed by the root of the relay"
            ))
            .command(context.kubectl().inspect(format!("logs deployment/{ENTERPRISE} --tail=100")))
            .done(),
    )
}

/// An agent of a cluster that is not registered.
fn of_unregistered(context: &RuleContext<'_>, cluster: &str, count: i64) -> Finding {
    DIAGNOSIS
        .finding()
        .severity(Severity::Warning)
        .title(format!("An agent of cluster {cluster} is connected, and no such cluster is registered"))
        .message("The management plane has no KubernetesCluster of that name.")
        .evidence(format!("relay_push_clients_connected{{cluster=\"{cluster}\"}} {count}"))
        .remedy(format!("register cluster {cluster}, or remove its agent"))
        .command(context.kubectl().inspect("get kubernetesclusters.multicluster.solo.io"))
        .done()
}
