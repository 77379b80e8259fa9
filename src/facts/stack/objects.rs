//! Helpers that read single objects. Pure.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, ContainerState, ContainerStatus, Pod, PodCondition, Service},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};

use crate::{
    facts::{CustomResource, Meshsync},
    stack::{
        base::seen::Seen,
        manager,
        profile::{Profile, Selector},
        quantity,
    },
};

/// The name of an object.
pub fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// Whether the labels contain every pair of the selector. An empty one selects nothing.
pub fn selected(metadata: &ObjectMeta, selector: Selector) -> bool {
    metadata.labels.as_ref().is_some_and(|labels| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(*key).map(String::as_str) == Some(*value))
    })
}

pub(super) fn owned_by(metadata: &ObjectMeta, kind: &str, name: &str) -> bool {
    metadata.owner_references.iter().flatten().any(|owner| owner.kind == kind && owner.name == name)
}

/// The custom resources of one kind, as read in one version.
pub(super) type Shown<S, T> = Seen<Vec<CustomResource<S, T>>>;

/// Merges the lists that were read in several served versions.
///
/// The first version that answers comes first, and an object that several versions return counts once. If no version
/// answered, the most specific failure is returned: an API server's answer rather than a query that was never made.
pub fn merged<S: Clone, T: Clone>(versions: &BTreeMap<String, Shown<S, T>>, profile: &Profile) -> Shown<S, T> {
    let in_order = || profile.versions.iter().filter_map(|version| versions.get(*version));
    let mut known: Option<Vec<CustomResource<S, T>>> = None;
    for seen in in_order() {
        if let Seen::Known(items) = seen {
            let list = known.get_or_insert_default();
            for item in items {
                if !list.iter().any(|other| same(&other.metadata, &item.metadata)) {
                    list.push(item.clone());
                }
            }
        }
    }
    if let Some(known) = known {
        return Seen::Known(known);
    }
    let first = |wanted: fn(&Shown<S, T>) -> bool| in_order().find(|seen| wanted(seen)).cloned();
    first(|seen| matches!(seen, Seen::Unreachable(_)))
        .or_else(|| first(|seen| matches!(seen, Seen::Denied(_))))
        .or_else(|| first(Seen::is_absent))
        .unwrap_or_default()
}

fn same(a: &ObjectMeta, b: &ObjectMeta) -> bool {
    match (&a.uid, &b.uid) {
        (Some(a), Some(b)) => a == b,
        _ => a.name == b.name && a.namespace == b.namespace,
    }
}

/// When the watch-list of a `MeshSync` CR was last written, and by whom. `None` if that was not observed.
pub fn watch_list_written(meshsync: &Meshsync) -> Option<(Timestamp, &str)> {
    meshsync
        .metadata
        .managed_fields
        .iter()
        .flatten()
        // Of the fields that a manager wrote, only the watch-list is kept.
        .filter(|entry| entry.fields_v1.is_some())
        .filter_map(|entry| {
            let manager = entry.manager.as_deref().unwrap_or("an unknown manager");
            Some((entry.time.as_ref()?.0, manager))
        })
        .max()
}

/// The status of a pod's container.
pub fn container<'a>(pod: &'a Pod, name: &str) -> Option<&'a ContainerStatus> {
    pod.status.as_ref()?.container_statuses.iter().flatten().find(|status| status.name == name)
}

/// Since when a container has been running. `None` if it is not running or its pod is terminating.
pub fn running_since(pod: &Pod, container_name: &str) -> Option<Timestamp> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    match container(pod, container_name)?.state.as_ref()? {
        ContainerState { running: Some(running), .. } => {
            Some(running.started_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0))
        }
        _ => None,
    }
}

/// The address of a pod.
pub fn pod_ip(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

/// A `ServiceAccount` as access reviews name it.
pub fn service_account_user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

/// The tag of an image. `None` if it has only a digest.
pub fn image_tag(image: &str) -> Option<&str> {
    let last = image.split('@').next()?.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}

/// The addresses of a Service's load balancer.
pub fn external_addresses(service: &Service) -> Vec<String> {
    service
        .status
        .iter()
        .filter_map(|status| status.load_balancer.as_ref())
        .flat_map(|balancer| balancer.ingress.iter().flatten())
        .filter_map(|ingress| ingress.ip.clone().or_else(|| ingress.hostname.clone()))
        .collect()
}

/// A container's memory limit, in bytes and as written.
pub fn memory_limit(container: &Container) -> Option<(u64, &str)> {
    let limit = &container.resources.as_ref()?.limits.as_ref()?.get("memory")?.0;
    Some((quantity::bytes(limit)?, limit))
}

/// The type of a Service.
pub fn service_type(service: &Service) -> &str {
    let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
    kind.unwrap_or("ClusterIP")
}

/// The statuses of a pod's containers, init containers first.
pub fn container_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    })
}

/// Why a container has never started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartFailure<'a> {
    /// The kubelet's or the runtime's word for it.
    pub reason: &'a str,
    /// The exit code, if the runtime got as far as that.
    pub exit_code: Option<i32>,
    /// What the kubelet or the runtime says.
    pub message: &'a str,
}

/// Why a container cannot be started. `None` if it is running, or if its program has run.
pub fn start_failure(status: &ContainerStatus) -> Option<StartFailure<'_>> {
    const WAITING: [&str; 4] =
        ["CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError"];
    // As containerd and CRI-O, and as older runtimes call it.
    const ENDED: [&str; 2] = ["StartError", "ContainerCannotRun"];
    let state = status.state.as_ref()?;
    if state.running.is_some() {
        return None;
    }
    let waiting = state.waiting.as_ref();
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
    if let (Some(waiting), Some(reason)) = (waiting, reason.filter(|reason| WAITING.contains(reason))) {
        let message = waiting.message.as_deref().unwrap_or_default();
        return Some(StartFailure { reason, exit_code: None, message });
    }
    // While the kubelet waits for the next attempt, the state before tells.
    let last = status.last_state.as_ref().filter(|_| reason == Some("CrashLoopBackOff"));
    let ended = state.terminated.as_ref().or_else(|| last?.terminated.as_ref())?;
    let reason = ended.reason.as_deref().filter(|reason| ENDED.contains(reason))?;
    let message = ended.message.as_deref().unwrap_or_default();
    Some(StartFailure { reason, exit_code: Some(ended.exit_code), message })
}

/// The condition of a pod that is unschedulable.
pub fn unschedulable(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions.into_iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
}

/// Splits `host:port`. A scheme and a user part are ignored.
pub fn host_and_port(address: &str) -> Option<(String, u16)> {
    let address = address.rsplit_once("://").map_or(address, |(_, rest)| rest);
    let address = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    (!host.is_empty()).then_some(())?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// The Helm release of an object, with the release's namespace. Without an annotation, that is the object's own
/// namespace.
pub fn release_of(metadata: &ObjectMeta, namespace: &str) -> Option<(String, String)> {
    let (release, stated) = manager::release_of(metadata)?;
    let namespace = stated.unwrap_or_else(|| namespace.to_owned());
    // Both are used in a URL.
    let plain =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    (plain(&release) && plain(&namespace)).then_some((release, namespace))
}

/// Whether a pod belongs to the operator, the broker or `MeshSync`, by its labels.
pub fn is_stacks_pod(metadata: &ObjectMeta, profile: &Profile) -> bool {
    profile
        .operator
        .selectors
        .iter()
        .chain(profile.broker.selectors)
        .chain([&profile.meshsync.selector])
        .any(|selector| selected(metadata, selector))
}

/// The variable with the publishing address.
pub const ADDRESS: &str = "BROKER_URL";

/// A literal value in the environment of these containers.
pub fn variable<'a>(containers: &'a [Container], name: &str) -> Option<&'a str> {
    containers
        .iter()
        .flat_map(|container| container.env.iter().flatten())
        .find(|variable| variable.name == name)?
        .value
        .as_deref()
}
