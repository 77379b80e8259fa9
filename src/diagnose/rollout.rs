//! Rollouts: whether a workload is up to date and ready, by the rules of `kubectl rollout status`.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::Container,
};

/// The containers of a Deployment.
pub(crate) fn containers(deployment: &Deployment) -> &[Container] {
    deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()).map_or(&[], |pod| pod.containers.as_slice())
}

/// Whether a restart may wait forever: the pods use a port of their node, and the old pod ends only once the new one is
/// ready. On a cluster with one node, the new pod then waits for the port of the old one.
pub(crate) fn holds_host_port(deployment: &Deployment) -> bool {
    let mut ports = containers(deployment).iter().flat_map(|container| container.ports.iter().flatten());
    let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref()?.type_.as_deref());
    strategy != Some("Recreate") && ports.any(|port| port.host_port.is_some())
}

/// The labels by which a Deployment selects its pods, as `kubectl -l` accepts them.
pub(crate) fn selector(deployment: &Deployment) -> String {
    let labels = deployment.spec.iter().flat_map(|spec| spec.selector.match_labels.iter().flatten());
    labels.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

/// The image of a Deployment's container.
pub(crate) fn image<'a>(deployment: &'a Deployment, container: &str) -> Option<&'a str> {
    containers(deployment).iter().find(|c| c.name == container).and_then(|c| c.image.as_deref())
}

/// The desired number of a Deployment's pods.
pub(crate) fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

/// The number of a Deployment's ready pods.
pub(crate) fn ready(deployment: &Deployment) -> i32 {
    deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0)
}

fn exceeds_deadline(deployment: &Deployment) -> bool {
    let mut conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.reason.as_deref() == Some("ProgressDeadlineExceeded"))
}

/// Whether a Deployment's rollout does not continue: Kubernetes has stopped waiting for it, or it is paused.
pub(crate) fn is_stalled(deployment: &Deployment) -> bool {
    exceeds_deadline(deployment) || deployment.spec.as_ref().is_some_and(|spec| spec.paused == Some(true))
}

/// Why a Deployment's rollout is not complete; `None` if it is complete.
pub(crate) fn incomplete(deployment: &Deployment) -> Option<String> {
    let wanted = wanted(deployment);
    let status = deployment.status.clone().unwrap_or_default();
    let updated = status.updated_replicas.unwrap_or(0);
    let total = status.replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    if wanted == 0 {
        return Some("0 replicas".into());
    }
    if status.observed_generation.unwrap_or(0) < deployment.metadata.generation.unwrap_or(0) {
        return Some("the controller has not observed the latest change yet".into());
    }
    let stalled = if exceeds_deadline(deployment) { ", and the progress deadline is exceeded" } else { "" };
    if updated < wanted {
        return Some(format!("{updated} of {wanted} pods are up to date{stalled}"));
    }
    if total > updated {
        return Some(format!("{} pods of an older version still exist{stalled}", total - updated));
    }
    if available < updated {
        return Some(format!("{available} of {updated} pods are available{stalled}"));
    }
    None
}

/// Whether a pod's name starts with the controller's name.
pub(crate) fn is_pod_of(pod: &str, controller: &str) -> bool {
    pod.strip_prefix(controller).is_some_and(|rest| rest.starts_with('-'))
}

/// Why a `StatefulSet`'s rollout is not complete; `None` if it is complete.
pub(crate) fn set_incomplete(set: &StatefulSet) -> Option<String> {
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or(0);
    if wanted == 0 {
        return Some("0 replicas".into());
    }
    if status.observed_generation.unwrap_or(0) < set.metadata.generation.unwrap_or(0) {
        return Some("the controller has not observed the latest change yet".into());
    }
    if ready < wanted {
        return Some(format!("{ready} of {wanted} pods are ready"));
    }
    None
}
