//! Pod status as kubectl shows it: ready containers, restarts, and the most important status.

use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    jiff::Timestamp,
};

use crate::facts::stack;

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Unknown")
}

pub(super) fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten())
}

pub(super) fn ready_containers(pod: &Pod) -> (usize, usize) {
    let all = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    (statuses(pod).filter(|status| status.ready).count(), all)
}

pub(super) fn restarts(pod: &Pod) -> i32 {
    statuses(pod).map(|status| status.restart_count).sum()
}

pub(super) fn image_of(pod: &Pod, container: &str) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    containers.iter().find(|c| c.name == container).or_else(|| containers.first())?.image.clone()
}

/// A pod's status as kubectl shows it: the reason why a container is waiting or terminated comes before the phase.
pub(super) fn status_of(pod: &Pod) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "Terminating".into();
    }
    let reason = statuses(pod).find_map(|status| {
        let state = status.state.as_ref()?;
        let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
        let terminated = state.terminated.as_ref().filter(|terminated| terminated.exit_code != 0).map(|terminated| {
            terminated.reason.clone().unwrap_or_else(|| format!("ExitCode:{}", terminated.exit_code))
        });
        waiting.or(terminated)
    });
    let unschedulable = || stack::unschedulable(pod)?.reason.clone();
    let pod_reason = || pod.status.as_ref()?.reason.clone();
    reason.or_else(pod_reason).or_else(unschedulable).unwrap_or_else(|| phase(pod).into())
}

/// The status to show first: that of a pod that is not running, if any.
pub(super) fn worst_status(pods: &[&Pod]) -> Option<String> {
    let all: Vec<String> = pods.iter().map(|pod| status_of(pod)).collect();
    all.iter()
        .find(|status| !matches!(status.as_str(), "Running" | "Terminating" | "Succeeded"))
        .or_else(|| all.iter().find(|status| *status == "Running"))
        .or_else(|| all.first())
        .cloned()
}
