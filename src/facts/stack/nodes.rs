//! Which nodes no longer report: from the node itself, or, where it may not be read, from what the control plane writes
//! into the status of its pods. Pure.

use std::collections::BTreeSet;

use k8s_openapi::{
    api::core::v1::{Event, Pod, PodCondition},
    jiff::{SignedDuration, Timestamp},
};

use super::{adapters, broker_pods, hub_pods, meshsync_pods, name, operator_pods, pods_selected_by, server_pods};
use crate::{
    facts::Facts,
    stack::{base::seen::Seen, controllers},
};

/// The maximum number of nodes to query.
const MOST: usize = 3;

/// How long after the end of its grace period a terminating pod counts as stuck.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// The clocks of a cluster differ by at most this much.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The node of a pod.
pub fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
}

/// A pod's condition of this type.
pub fn pod_condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions.into_iter().find(|condition| condition.type_ == kind)
}

/// Since when a pod should be gone. `None` unless it is stuck terminating.
pub fn overdue_since(pod: &Pod, now: Timestamp) -> Option<Timestamp> {
    // The end of the grace period, not its beginning.
    let end = pod.metadata.deletion_timestamp.as_ref()?.0;
    (now.duration_since(end) > PATIENCE).then_some(end)
}

/// The nodes to query: those of pods that are not ready, or that should be gone.
pub fn nodes_to_query(facts: &Facts) -> Vec<String> {
    let mut pods = operator_pods(facts);
    pods.extend(broker_pods(facts));
    pods.extend(meshsync_pods(facts));
    pods.extend(server_pods(facts));
    for adapter in adapters(facts) {
        pods.extend(pods_selected_by(facts, adapter));
    }
    for component in controllers::COMPONENTS {
        pods.extend(hub_pods(facts, component));
    }
    let suspect = |pod: &&Pod| {
        let unready = pod_condition(pod, "Ready").is_some_and(|ready| ready.status != "True");
        unready || overdue_since(pod, facts.taken_at).is_some()
    };
    // The name becomes part of a URL.
    let plain = |node: &&str| node.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    let nodes: BTreeSet<&str> = pods.into_iter().filter(suspect).filter_map(node_of).filter(plain).collect();
    nodes.into_iter().take(MOST).map(str::to_owned).collect()
}

/// Since when the kubelet of a pod's node has been silent, so that the pod's status is out of date. `None` if it
/// reports, or if nothing proves that it does not.
pub fn silent_since(facts: &Facts, pod: &Pod) -> Option<Timestamp> {
    let node = facts.nodes.get(node_of(pod)?);
    let ready = || pod_condition(pod, "Ready")?.last_transition_time.as_ref().map(|time| time.0);
    match node {
        Some(Seen::Known(node)) => node.is_silent().then(|| node.since.or_else(ready).unwrap_or(Timestamp::UNIX_EPOCH)),
        Some(Seen::Absent) => Some(ready().unwrap_or(Timestamp::UNIX_EPOCH)),
        _ => sign(facts, pod).map(|_| ready().unwrap_or(Timestamp::UNIX_EPOCH)),
    }
}

/// What the control plane wrote into a pod's status because its kubelet is silent.
pub fn sign(facts: &Facts, pod: &Pod) -> Option<String> {
    let pod_name = name(&pod.metadata);
    if pod.status.as_ref()?.reason.as_deref() == Some("NodeLost") {
        return Some(format!("pod {pod_name}: NodeLost"));
    }
    let ready = pod_condition(pod, "Ready").filter(|ready| ready.status == "False")?;
    let since = ready.last_transition_time.as_ref().map(|time| time.0);
    if let Some(event) = node_event(facts, pod_name).filter(|event| is_of(event, since)) {
        let said = event.message.as_deref().unwrap_or_default();
        return Some(format!("event NodeNotReady on pod {pod_name}: {said}"));
    }
    // A kubelet writes both at once; only the control plane writes one alone.
    let gates = pod.spec.as_ref().is_some_and(|spec| spec.readiness_gates.iter().flatten().next().is_some());
    let containers = pod_condition(pod, "ContainersReady").is_some_and(|ready| ready.status == "True")
        && pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten()).all(|it| it.ready);
    (containers && !gates)
        .then(|| format!("pod {pod_name}: the control plane set Ready to False although ContainersReady is True"))
}

fn node_event<'a>(facts: &'a Facts, pod: &str) -> Option<&'a Event> {
    let events = facts.events.items().iter();
    let of_pod = events.filter(|event| {
        event.reason.as_deref() == Some("NodeNotReady") && event.involved_object.name.as_deref() == Some(pod)
    });
    of_pod.max_by_key(|event| event_time(event))
}

fn event_time(event: &Event) -> Option<Timestamp> {
    event.last_timestamp.as_ref().map(|time| time.0).or_else(|| event.event_time.as_ref().map(|time| time.0))
}

/// Whether an event is about the current condition, not about an earlier one.
fn is_of(event: &Event, since: Option<Timestamp>) -> bool {
    match (event_time(event), since) {
        (Some(event), Some(since)) => event + SKEW >= since,
        _ => false,
    }
}
