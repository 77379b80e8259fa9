use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::rules::{prelude::*, workload},
    facts::NodeReadiness,
    stack::base::words,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "node-not-ready",
    title: "A node with pods of the stack is not ready",
    explanation: include_str!("node_not_ready.md"),
    cure: Cure::Person(because::CAPACITY),
    profiles: profile::ALL,
    ..Diagnosis::fault(Component::Cluster)
};

pub(crate) static CHECK: Check = Check {
    id: "nodes-ready",
    title: "the nodes of the stack's pods are ready",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], judge)
};

/// The maximum number of pods to list.
const NAMED: usize = 4;

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.pods.settled()?;
    let mut nodes: BTreeMap<&str, Vec<(Component, &Pod)>> = BTreeMap::new();
    for (node, component, pod) in context.pods_on_unready_nodes() {
        nodes.entry(node).or_default().push((component, pod));
    }
    Outcome::of(nodes.iter().map(|(node, pods)| not_ready(context, node, pods)).collect())
}

fn not_ready(context: &RuleContext<'_>, node: &str, pods: &[(Component, &Pod)]) -> Finding {
    let mut components: Vec<Component> = pods.iter().map(|(component, _)| *component).collect();
    components.dedup();
    let lacking = components.iter().any(|component| workload::is_incomplete(context, *component));
    let titles: Vec<_> = components.iter().map(|component| component.title(context.facts.profile)).collect();
    let titles = words::list(&titles);
    let seen = context.facts.nodes.get(node);
    let (title, message, remedy) = match seen {
        Some(Seen::Absent) => (
            format!("Node {node} no longer exists"),
            format!("Pods of {titles} are still bound to it. What their status says is out of date."),
            "Kubernetes deletes these pods within minutes; if it does not, delete them",
        ),
        Some(Seen::Known(readiness)) if !readiness.is_silent() => (
            format!("Node {node} is not ready: {}", readiness.reason),
            format!(
                "Its kubelet reports a problem, and pods of {titles} are on it. After five minutes, Kubernetes deletes \
                 them to replace them on other nodes."
            ),
            "correct what the node's condition names, usually its container runtime or its network plugin",
        ),
        _ => (
            format!("Node {node} is not ready: its kubelet does not report"),
            format!(
                "Pods of {titles} are on it. What their status says is out of date. {}",
                if components.contains(&Component::Broker) {
                    "A broker pod is not replaced before the node returns or is deleted."
                } else {
                    "After five minutes, Kubernetes replaces them on other nodes."
                }
            ),
            "get the node and its kubelet running; delete the Node only if it never returns",
        ),
    };
    let finding = DIAGNOSIS
        .finding()
        .severity(if lacking { Severity::Error } else { Severity::Warning })
        .title(title)
        .message(message)
        .object(cluster_object("Node", node))
        .explains(components.iter().flat_map(|component| consequences(*component)))
        .evidence(about_node(node, seen))
        .evidences(pods.iter().take(NAMED).map(|(_, pod)| about_pod(context, pod)))
        .evidences((pods.len() > NAMED).then(|| format!("and {} more pods", pods.len() - NAMED)))
        .remedy(remedy);
    if matches!(seen, Some(Seen::Absent)) {
        let names: Vec<&str> = pods.iter().map(|(_, pod)| stack::name(&pod.metadata)).collect();
        return finding
            .command(context.kubectl_cluster().inspect("get nodes"))
            .command(context.kubectl().delete(format!("pod {} --force --grace-period=0", names.join(" "))))
            .done();
    }
    let finding = finding.command(context.kubectl_cluster().inspect(format!("describe node {node}")));
    let silent = seen.and_then(Seen::known).is_none_or(NodeReadiness::is_silent);
    finding.commands(silent.then(|| context.kubectl_cluster().delete(format!("node {node}")).last_resort())).done()
}

fn about_node(node: &str, seen: Option<&Seen<NodeReadiness>>) -> String {
    match seen {
        Some(Seen::Known(readiness)) => {
            let since = readiness.since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
            let because = match (readiness.reason.as_str(), readiness.message.as_str()) {
                ("", "") => String::new(),
                (reason, message) => format!(", {reason}: {message}"),
            };
            format!("node {node}: Ready is {}{since}{because}", readiness.ready)
        }
        Some(Seen::Absent) => format!("there is no Node {node}"),
        other => {
            let why = other.and_then(Seen::why_unsettled).unwrap_or("it was not checked".into());
            format!("Node {node} could not be read ({why}); its pods show that it does not report")
        }
    }
}

fn about_pod(context: &RuleContext<'_>, pod: &Pod) -> String {
    let name = stack::name(&pod.metadata);
    stack::sign(context.facts, pod).unwrap_or_else(|| match stack::overdue_since(pod, context.clock()) {
        Some(since) => format!("pod {name} is on it, and should have been gone since {since:.0}"),
        None => format!("pod {name} is on it"),
    })
}

/// What follows for a component whose pods are on such a node.
fn consequences(component: Component) -> Vec<String> {
    let own = ["not-ready", "unschedulable", "stuck-terminating", "silent", "no-answer"];
    let others: &[&str] = match component {
        Component::Operator => &[
            "conversion-webhook-down",
            "operator-reconcile-failing",
            "operator-no-leader",
            "cr-failed",
            "cr-missing",
            "cr-not-observed",
            "broker-no-workload",
            "meshsync-no-workload",
        ],
        Component::Broker => &[
            "operator-reconcile-failing",
            "cr-failed",
            "network-path-broken",
            "broker-unreachable",
            "broker-no-endpoints",
            "broker-lame-duck",
            "broker-monitor-unreachable",
            "broker-server-not-connected",
        ],
        Component::Meshsync => &["operator-reconcile-failing", "cr-failed", "meshsync-not-connected"],
        _ => &["broker-server-not-connected"],
    };
    let own = own.iter().map(|code| format!("{}-{code}", component.code()));
    own.chain(others.iter().map(|code| (*code).to_owned())).collect()
}
