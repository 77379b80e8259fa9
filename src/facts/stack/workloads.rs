//! Which objects belong to the stack: by name, by owner, by label. Pure.

use super::objects::{ADDRESS, merged, name, owned_by, release_of, running_since, selected, variable};
use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{Container, Pod, Service, ServicePort},
    },
    apimachinery::pkg::util::intstr::IntOrString,
    jiff::Timestamp,
};

use crate::{
    facts::{Broker, Facts, Meshsync},
    stack::{
        base::seen::Seen,
        component::Component,
        controllers, manager,
        profile::{self, ADAPTERS, Selector},
    },
};

/// The Broker CRs of the namespace.
pub fn brokers(facts: &Facts) -> Seen<Vec<Broker>> {
    merged(&facts.brokers, facts.profile)
}

/// The `MeshSync` CRs of the namespace.
pub fn meshsyncs(facts: &Facts) -> Seen<Vec<Meshsync>> {
    merged(&facts.meshsyncs, facts.profile)
}

/// The operator's Deployment.
pub fn operator(facts: &Facts) -> Seen<&Deployment> {
    one_deployment(facts, |deployment| name(&deployment.metadata) == facts.profile.operator.deployment)
}

/// `MeshSync`'s Deployment: it has its custom resource's name, is owned by it, or has `MeshSync`'s labels.
pub fn meshsync_deployment(facts: &Facts) -> Seen<&Deployment> {
    let names: Vec<String> =
        meshsyncs(facts).items().iter().map(|meshsync| name(&meshsync.metadata).to_owned()).collect();
    let usual = one_deployment(facts, |deployment| {
        let metadata = &deployment.metadata;
        name(metadata) == facts.profile.meshsync.resource
            || names.iter().any(|owner| name(metadata) == owner || owned_by(metadata, "MeshSync", owner))
            || selected(metadata, facts.profile.meshsync.selector)
    });
    if !usual.is_absent() || !names.is_empty() {
        return usual;
    }
    // A Deployment that the operator did not create can have any name. It is recognized by the container with a broker
    // address.
    one_deployment(facts, |deployment| {
        let of_another = profile::WITH_MESHSYNC.iter().filter(|other| **other != facts.profile).any(|other| {
            name(&deployment.metadata) == other.meshsync.resource
                || selected(&deployment.metadata, other.meshsync.selector)
        });
        if of_another {
            return false;
        }
        let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        pod.is_some_and(|pod| {
            pod.containers.iter().any(|container| {
                container.name == facts.profile.meshsync.container
                    && variable(std::slice::from_ref(container), ADDRESS).is_some()
            })
        })
    })
}

/// The `ServiceAccount` of a Deployment's pods.
pub fn account_of(deployment: &Deployment) -> &str {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.and_then(|pod| pod.service_account_name.as_deref()).unwrap_or("default")
}

/// The server's Deployment.
pub fn server_deployment(facts: &Facts) -> Seen<&Deployment> {
    one_deployment(facts, |deployment| name(&deployment.metadata) == facts.profile.server.deployment)
}

fn one_deployment(facts: &Facts, wanted: impl Fn(&Deployment) -> bool) -> Seen<&Deployment> {
    match facts.deployments.as_ref() {
        Seen::Known(deployments) => {
            deployments.iter().find(|deployment| wanted(deployment)).map_or(Seen::Absent, Seen::Known)
        }
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
        .filter_map(|wanted| facts.services.items().iter().find(|service| name(&service.metadata) == wanted))
        .collect()
}

/// The Service of Meshery Server.
pub fn server_service(facts: &Facts) -> Option<&Service> {
    let wanted = facts.profile.server.deployment;
    facts.services.items().iter().find(|service| name(&service.metadata) == wanted)
}

/// The port of a pod to which a port of its Service leads. `None` if it is a name that no container has.
pub fn container_port(pod: &Pod, port: &ServicePort) -> Option<u16> {
    let of_name = |name: &str| {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
        ports.find(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port)
    };
    let number = match &port.target_port {
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => name.parse().ok().or_else(|| of_name(name))?,
        None => port.port,
    };
    u16::try_from(number).ok().filter(|port| *port > 0)
}

/// Pods of the operator.
pub fn operator_pods(facts: &Facts) -> Vec<&Pod> {
    deployment_pods(facts, facts.profile.operator.deployment, facts.profile.operator.selectors)
}

/// Pods of `MeshSync`.
pub fn meshsync_pods(facts: &Facts) -> Vec<&Pod> {
    let deployment = meshsync_deployment(facts)
        .known()
        .map_or(facts.profile.meshsync.resource, |deployment| name(&deployment.metadata));
    deployment_pods(facts, deployment, &[facts.profile.meshsync.selector])
}

/// Pods of the server.
pub fn server_pods(facts: &Facts) -> Vec<&Pod> {
    deployment_pods(facts, facts.profile.server.deployment, &[facts.profile.server.selector])
}

/// The Deployments of the server's adapters.
pub fn adapters(facts: &Facts) -> Vec<&Deployment> {
    let is_adapter = |name: &str| {
        !facts.profile.is_hub()
            && name
                .strip_prefix(facts.profile.server.adapter_prefix)
                .is_some_and(|mesh| ADAPTERS.split(' ').any(|known| known == mesh))
    };
    facts
        .deployments
        .items()
        .iter()
        .filter(|deployment| {
            let label = deployment.metadata.labels.as_ref().and_then(|labels| labels.get("app.kubernetes.io/name"));
            is_adapter(name(&deployment.metadata)) || label.is_some_and(|label| is_adapter(label))
        })
        .collect()
}

/// The pods that a Deployment selects by their labels.
pub fn pods_selected_by<'a>(facts: &'a Facts, deployment: &Deployment) -> Vec<&'a Pod> {
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    chosen(facts, &selector)
}

/// The Deployments of a component of Service Mesh Hub.
pub fn hub_deployments(facts: &Facts, component: Component) -> Vec<&Deployment> {
    let names = controllers::deployments(component);
    let all = facts.deployments.items().iter();
    all.filter(|deployment| facts.profile.is_hub() && names.contains(&name(&deployment.metadata))).collect()
}

/// The pods of a component of Service Mesh Hub.
pub fn hub_pods(facts: &Facts, component: Component) -> Vec<&Pod> {
    let deployments = hub_deployments(facts, component).into_iter();
    deployments.flat_map(|deployment| pods_selected_by(facts, deployment)).collect()
}

/// The pods with all of these labels. Empty if no label is given.
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

/// Pods of a Deployment: through its `ReplicaSet`s if they are known, otherwise by label.
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
            sets.iter().any(|set| owned_by(&pod.metadata, "ReplicaSet", set))
                || selectors.iter().any(|selector| selected(&pod.metadata, selector))
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
            facts.profile.broker_workloads().any(|set| owned_by(&pod.metadata, "StatefulSet", set))
                || facts.profile.broker.selectors.iter().any(|selector| selected(&pod.metadata, selector))
        })
        .collect()
}

/// The container of a pod that runs NATS: the one with the operator's name for it, otherwise the one with the NATS
/// port, otherwise the first.
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

/// Since when a broker pod's NATS has been running. `None` if it is not running.
pub fn nats_running_since(facts: &Facts, pod: &Pod) -> Option<Timestamp> {
    running_since(pod, nats_container(facts, pod))
}

/// The `ServiceAccount` of `MeshSync`.
pub fn meshsync_service_account(facts: &Facts) -> String {
    let of_pod = meshsync_pods(facts).into_iter().find_map(|pod| pod.spec.as_ref()?.service_account_name.clone());
    let of_deployment =
        || meshsync_deployment(facts).known()?.spec.as_ref()?.template.spec.as_ref()?.service_account_name.clone();
    of_pod.or_else(of_deployment).unwrap_or_else(|| facts.profile.operator.service_account.into())
}

/// Whether nothing of the stack is in the namespace: no operator, custom resource or workload.
pub fn is_gone(facts: &Facts) -> bool {
    let gone = |seen: Seen<usize>| matches!(seen, Seen::Absent | Seen::Known(0));
    operator(facts).is_absent()
        && meshsync_deployment(facts).is_absent()
        && gone(broker_statefulsets(facts).map(|sets| sets.len()))
        && gone(brokers(facts).map(|brokers| brokers.len()))
        && gone(meshsyncs(facts).map(|meshsyncs| meshsyncs.len()))
}

/// The Helm release of a stack object, with its namespace.
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

/// The `ServiceAccount` of the operator.
pub fn operator_service_account(facts: &Facts) -> String {
    operator(facts)
        .known()
        .and_then(|deployment| {
            let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
            pod.service_account_name.clone()
        })
        .unwrap_or_else(|| facts.profile.operator.service_account.into())
}

/// Whether the installed operator is of the current line, according to its containers.
pub fn is_current_operator(facts: &Facts) -> bool {
    let old = facts.profile.operator.old_line_container;
    facts.profile.has_current_line()
        && operator(facts).known().is_some_and(|deployment| {
            let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
            pod.is_some_and(|pod| pod.containers.iter().all(|container| container.name != old))
        })
}
