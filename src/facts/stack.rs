//! Which of the objects are the stack's: by name, by owner, by label. Pure.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{Container, ContainerState, ContainerStatus, Pod, PodCondition, Service},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};

use crate::{
    facts::{Broker, CustomResource, Facts, Meshsync, destination},
    stack::{
        base::seen::Seen,
        manager,
        profile::{ADAPTERS, Profile, Selector},
        quantity,
    },
};

/// The name of an object.
pub fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// Whether the labels hold every pair of the selector.
pub fn selected(metadata: &ObjectMeta, selector: Selector) -> bool {
    metadata.labels.as_ref().is_some_and(|labels| {
        selector
            .iter()
            .all(|(key, value)| labels.get(*key).map(String::as_str) == Some(*value))
    })
}

fn owned_by(metadata: &ObjectMeta, kind: &str, name: &str) -> bool {
    metadata
        .owner_references
        .iter()
        .flatten()
        .any(|owner| owner.kind == kind && owner.name == name)
}

/// The custom resources of one kind, as one version showed them.
type Shown<S, T> = Seen<Vec<CustomResource<S, T>>>;

/// One list out of those of several served versions.
///
/// The first version that answers wins; an object that several versions show is one. No version answering, the most
/// telling failure stands: what the API server said before what it never was asked.
pub fn merged<S: Clone, T: Clone>(
    versions: &BTreeMap<String, Shown<S, T>>,
    profile: &Profile,
) -> Shown<S, T> {
    let in_order = || {
        profile
            .versions
            .iter()
            .filter_map(|version| versions.get(*version))
    };
    let mut known: Option<Vec<CustomResource<S, T>>> = None;
    for seen in in_order() {
        if let Seen::Known(items) = seen {
            let list = known.get_or_insert_default();
            for item in items {
                if !list
                    .iter()
                    .any(|other| same(&other.metadata, &item.metadata))
                {
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

/// The Broker objects of the namespace.
pub fn brokers(facts: &Facts) -> Seen<Vec<Broker>> {
    merged(&facts.brokers, facts.profile)
}

/// The `MeshSync` objects of the namespace.
pub fn meshsyncs(facts: &Facts) -> Seen<Vec<Meshsync>> {
    merged(&facts.meshsyncs, facts.profile)
}

/// When the watch-list of a `MeshSync` object was last written, and by whom; none where that was not seen.
pub fn watch_list_written(meshsync: &Meshsync) -> Option<(Timestamp, &str)> {
    meshsync
        .metadata
        .managed_fields
        .iter()
        .flatten()
        // Of the fields that a manager wrote, the watch-list alone is kept.
        .filter(|entry| entry.fields_v1.is_some())
        .filter_map(|entry| {
            let manager = entry.manager.as_deref().unwrap_or("somebody");
            Some((entry.time.as_ref()?.0, manager))
        })
        .max()
}

/// The operator's Deployment.
pub fn operator(facts: &Facts) -> Seen<&Deployment> {
    one_deployment(facts, |deployment| {
        name(&deployment.metadata) == facts.profile.operator.deployment
    })
}

/// `MeshSync`'s Deployment: named like its custom resource, owned by it, or labelled as it.
pub fn meshsync_deployment(facts: &Facts) -> Seen<&Deployment> {
    let names: Vec<String> = meshsyncs(facts)
        .items()
        .iter()
        .map(|meshsync| name(&meshsync.metadata).to_owned())
        .collect();
    let usual = one_deployment(facts, |deployment| {
        let metadata = &deployment.metadata;
        name(metadata) == facts.profile.meshsync.resource
            || names
                .iter()
                .any(|owner| name(metadata) == owner || owned_by(metadata, "MeshSync", owner))
            || selected(metadata, facts.profile.meshsync.selector)
    });
    if !usual.is_absent() || !names.is_empty() {
        return usual;
    }
    // Somebody's own may have any name; the container that is told a broker gives it away.
    one_deployment(facts, |deployment| {
        let pod = deployment
            .spec
            .as_ref()
            .and_then(|spec| spec.template.spec.as_ref());
        pod.is_some_and(|pod| {
            pod.containers.iter().any(|container| {
                container.name == facts.profile.meshsync.container
                    && destination::variable(std::slice::from_ref(container), destination::ADDRESS)
                        .is_some()
            })
        })
    })
}

/// The server's Deployment.
pub fn server_deployment(facts: &Facts) -> Seen<&Deployment> {
    one_deployment(facts, |deployment| {
        name(&deployment.metadata) == facts.profile.server.deployment
    })
}

fn one_deployment(facts: &Facts, wanted: impl Fn(&Deployment) -> bool) -> Seen<&Deployment> {
    match facts.deployments.as_ref() {
        Seen::Known(deployments) => deployments
            .iter()
            .find(|deployment| wanted(deployment))
            .map_or(Seen::Absent, Seen::Known),
        other => other.map(|_| unreachable!("only a known list has items")),
    }
}

/// The broker's `StatefulSet`s, current line first.
pub fn broker_statefulsets(facts: &Facts) -> Seen<Vec<&StatefulSet>> {
    facts.statefulsets.as_ref().map(|sets| {
        facts
            .profile
            .broker_workloads()
            .filter_map(|wanted| sets.iter().find(|set| name(&set.metadata) == wanted))
            .collect()
    })
}

/// The Services through which clients reach the broker, current line first.
pub fn broker_services(facts: &Facts) -> Vec<&Service> {
    facts
        .profile
        .broker_workloads()
        .filter_map(|wanted| {
            facts
                .services
                .items()
                .iter()
                .find(|service| name(&service.metadata) == wanted)
        })
        .collect()
}

/// Pods of the operator.
pub fn operator_pods(facts: &Facts) -> Vec<&Pod> {
    deployment_pods(
        facts,
        facts.profile.operator.deployment,
        facts.profile.operator.selectors,
    )
}

/// Pods of `MeshSync`.
pub fn meshsync_pods(facts: &Facts) -> Vec<&Pod> {
    let deployment = meshsync_deployment(facts)
        .known()
        .map_or(facts.profile.meshsync.resource, |deployment| {
            name(&deployment.metadata)
        });
    deployment_pods(facts, deployment, &[facts.profile.meshsync.selector])
}

/// Pods of the server.
pub fn server_pods(facts: &Facts) -> Vec<&Pod> {
    deployment_pods(
        facts,
        facts.profile.server.deployment,
        &[facts.profile.server.selector],
    )
}

/// The Deployments of the server's adapters.
pub fn adapters(facts: &Facts) -> Vec<&Deployment> {
    let is_adapter = |name: &str| {
        name.strip_prefix(facts.profile.server.adapter_prefix)
            .is_some_and(|mesh| ADAPTERS.contains(&mesh))
    };
    facts
        .deployments
        .items()
        .iter()
        .filter(|deployment| {
            let label = deployment
                .metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get("app.kubernetes.io/name"));
            is_adapter(name(&deployment.metadata)) || label.is_some_and(|label| is_adapter(label))
        })
        .collect()
}

/// Pods of an adapter: those that its Deployment selects.
pub fn adapter_pods<'a>(facts: &'a Facts, adapter: &Deployment) -> Vec<&'a Pod> {
    let selector = adapter
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.match_labels.clone())
        .unwrap_or_default();
    chosen(facts, &selector)
}

/// The pods with all of these labels; none where no label is named.
pub fn chosen<'a>(facts: &'a Facts, labels: &BTreeMap<String, String>) -> Vec<&'a Pod> {
    facts
        .pods
        .items()
        .iter()
        .filter(|pod| {
            let own = pod.metadata.labels.as_ref();
            let has = |(key, value)| own.and_then(|own| own.get(key)) == Some(value);
            !labels.is_empty() && labels.iter().all(has)
        })
        .collect()
}

/// Pods of a Deployment: through its replica sets where they are known, by label where they are not.
fn deployment_pods<'a>(facts: &'a Facts, deployment: &str, selectors: &[Selector]) -> Vec<&'a Pod> {
    let sets: Vec<&str> = facts
        .replicasets
        .items()
        .iter()
        .filter(|set| owned_by(&set.metadata, "Deployment", deployment))
        .map(|set| name(&set.metadata))
        .collect();
    facts
        .pods
        .items()
        .iter()
        .filter(|pod| {
            sets.iter()
                .any(|set| owned_by(&pod.metadata, "ReplicaSet", set))
                || selectors
                    .iter()
                    .any(|selector| selected(&pod.metadata, selector))
        })
        .collect()
}

/// Pods of the stack's own broker.
pub fn own_broker_pods(facts: &Facts) -> Vec<&Pod> {
    facts
        .pods
        .items()
        .iter()
        .filter(|pod| {
            facts
                .profile
                .broker_workloads()
                .any(|set| owned_by(&pod.metadata, "StatefulSet", set))
                || facts
                    .profile
                    .broker
                    .selectors
                    .iter()
                    .any(|selector| selected(&pod.metadata, selector))
        })
        .collect()
}

/// Pods of the stack's own broker, and of the one of this namespace that `MeshSync` is told to use in its place.
pub fn broker_pods(facts: &Facts) -> Vec<&Pod> {
    let mut pods = own_broker_pods(facts);
    let others = destination::of(facts).map_or_else(Vec::new, |to| destination::pods(facts, &to));
    for pod in others {
        if !pods.iter().any(|own| std::ptr::eq(*own, pod)) {
            pods.push(pod);
        }
    }
    pods
}

/// The container of a pod in which NATS runs: the operator's name for it, else the one with NATS's port, else the first.
pub fn nats_container<'a>(facts: &Facts, pod: &'a Pod) -> &'a str {
    let names = &facts.profile.broker;
    let containers = pod.spec.as_ref().map_or(&[][..], |spec| &spec.containers);
    let serves = |container: &&Container| {
        let mut ports = container.ports.iter().flatten();
        ports.any(|port| port.container_port == i32::from(names.client_port))
    };
    containers
        .iter()
        .find(|container| container.name == names.container)
        .or_else(|| containers.iter().find(serves))
        .or_else(|| containers.first())
        .map_or("", |container| container.name.as_str())
}

/// Since when a broker pod's NATS runs; none when it does not.
pub fn nats_running_since(facts: &Facts, pod: &Pod) -> Option<Timestamp> {
    running_since(pod, nats_container(facts, pod))
}

/// The status of a pod's container.
pub fn container<'a>(pod: &'a Pod, name: &str) -> Option<&'a ContainerStatus> {
    pod.status
        .as_ref()?
        .container_statuses
        .iter()
        .flatten()
        .find(|status| status.name == name)
}

/// Since when a container runs; none when it does not, or its pod is going away.
pub fn running_since(pod: &Pod, container_name: &str) -> Option<Timestamp> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    match container(pod, container_name)?.state.as_ref()? {
        ContainerState {
            running: Some(running),
            ..
        } => Some(
            running
                .started_at
                .as_ref()
                .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
        ),
        _ => None,
    }
}

/// The address of a pod.
pub fn pod_ip(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

/// The `ServiceAccount` that `MeshSync` runs as.
pub fn meshsync_service_account(facts: &Facts) -> String {
    let of_pod = meshsync_pods(facts)
        .into_iter()
        .find_map(|pod| pod.spec.as_ref()?.service_account_name.clone());
    let of_deployment = || {
        meshsync_deployment(facts)
            .known()?
            .spec
            .as_ref()?
            .template
            .spec
            .as_ref()?
            .service_account_name
            .clone()
    };
    of_pod
        .or_else(of_deployment)
        .unwrap_or_else(|| facts.profile.operator.service_account.into())
}

/// A `ServiceAccount` as access reviews name it.
pub fn service_account_user(namespace: &str, account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{account}")
}

/// The tag of an image, none when it is named by digest alone.
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

/// The limit of a container's memory, in bytes and as it is written.
pub fn memory_limit(container: &Container) -> Option<(u64, &str)> {
    let limit = &container
        .resources
        .as_ref()?
        .limits
        .as_ref()?
        .get("memory")?
        .0;
    Some((quantity::bytes(limit)?, limit))
}

/// The type of a Service.
pub fn service_type(service: &Service) -> &str {
    let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
    kind.unwrap_or("ClusterIP")
}

/// The statuses of a pod's containers, those of its init containers first.
pub fn container_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    })
}

/// The scheduler's condition of a pod that it finds no node for.
pub fn unschedulable(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.iter().flatten();
    conditions
        .into_iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
}

/// Takes `host:port` apart; a scheme and a user part in front do no harm.
pub fn host_and_port(address: &str) -> Option<(String, u16)> {
    let address = address.rsplit_once("://").map_or(address, |(_, rest)| rest);
    let address = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    (!host.is_empty()).then_some(())?;
    Some((host.to_owned(), port.parse().ok()?))
}

/// Whether nothing of the stack is in the namespace: neither operator nor custom resource nor workload.
pub fn is_gone(facts: &Facts) -> bool {
    let gone = |seen: Seen<usize>| matches!(seen, Seen::Absent | Seen::Known(0));
    operator(facts).is_absent()
        && meshsync_deployment(facts).is_absent()
        && gone(broker_statefulsets(facts).map(|sets| sets.len()))
        && gone(brokers(facts).map(|brokers| brokers.len()))
        && gone(meshsyncs(facts).map(|meshsyncs| meshsyncs.len()))
}

/// The Helm release that an object of the stack belongs to, with its namespace.
pub fn helm_release(facts: &Facts) -> Option<(String, String)> {
    let brokers = brokers(facts);
    let meshsyncs = meshsyncs(facts);
    let metadata = operator(facts)
        .known()
        .map(|deployment| &deployment.metadata)
        .into_iter()
        .chain(brokers.items().iter().map(|broker| &broker.metadata))
        .chain(meshsyncs.items().iter().map(|meshsync| &meshsync.metadata))
        .find(|metadata| manager::release_of(metadata).is_some())?;
    release_of(metadata, &facts.target.namespace)
}

/// The Helm release of which an object is, and that release's namespace, which is the object's own unless it says so.
pub fn release_of(metadata: &ObjectMeta, namespace: &str) -> Option<(String, String)> {
    let (release, stated) = manager::release_of(metadata)?;
    let namespace = stated.unwrap_or_else(|| namespace.to_owned());
    // Both become part of an address.
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    (plain(&release) && plain(&namespace)).then_some((release, namespace))
}

/// The `ServiceAccount` that the operator runs as.
pub fn operator_service_account(facts: &Facts) -> String {
    operator(facts)
        .known()
        .and_then(|deployment| {
            let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
            pod.service_account_name.clone()
        })
        .unwrap_or_else(|| facts.profile.operator.service_account.into())
}

/// Whether the operator that is there is of the current line, as far as its containers say.
pub fn is_current_operator(facts: &Facts) -> bool {
    let old = facts.profile.operator.old_line_container;
    facts.profile.broker.current.is_some()
        && operator(facts).known().is_some_and(|deployment| {
            let pod = deployment
                .spec
                .as_ref()
                .and_then(|spec| spec.template.spec.as_ref());
            pod.is_some_and(|pod| pod.containers.iter().all(|container| container.name != old))
        })
}

/// Whether a pod is one of the operator, the broker or `MeshSync`, by its labels.
pub fn is_stacks_pod(metadata: &ObjectMeta, profile: &Profile) -> bool {
    profile
        .operator
        .selectors
        .iter()
        .chain(profile.broker.selectors)
        .chain([&profile.meshsync.selector])
        .any(|selector| selected(metadata, selector))
}
