//! The view of the stack: facts that every rule and state would otherwise derive again.

use std::rc::Rc;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::Pod,
    },
    jiff::Timestamp,
};

use super::{
    Expectation,
    clients::{self, Clients},
    policy::{self, Policy},
    rollout,
};
use crate::{
    facts::{
        Broker, BrokerServer, Facts, Meshsync,
        destination::{self, Destination},
        stack,
    },
    report::{ObjectRef, Route},
    stack::{base::seen::Seen, component::Component},
};

/// Which operator line is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// 1.0 and later.
    Current,
    /// 0.8 and earlier.
    Old,
}

/// Where Meshery Server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In this cluster.
    Inside(String),
    /// Not in this cluster.
    Outside(String),
    /// Unknown.
    Unknown,
}

/// The facts, and what follows directly from them.
pub(crate) struct StackView<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) expect: &'a Expectation,
    pub(crate) brokers: Seen<Vec<Broker>>,
    pub(crate) meshsyncs: Seen<Vec<Meshsync>>,
    pub(crate) operator: Seen<&'a Deployment>,
    pub(crate) meshsync: Seen<&'a Deployment>,
    pub(crate) server: Seen<&'a Deployment>,
    pub(crate) statefulsets: Seen<Vec<&'a StatefulSet>>,
    pub(crate) meshsync_pods: Vec<&'a Pod>,
    /// Pods of the stack's own broker.
    pub(crate) broker_pods: Vec<&'a Pod>,
    /// The address that `MeshSync` is configured to publish to, if it is not from a Broker CR.
    pub(crate) destination: Option<Destination>,
    /// Pods of this namespace behind that address.
    pub(crate) destination_pods: Vec<&'a Pod>,
    pub(super) clients: Clients<'a>,
    pub(crate) line: Option<Line>,
    pub(super) policies: Rc<[Policy<'a>]>,
}

impl<'a> StackView<'a> {
    pub(super) fn new(facts: &'a Facts, expect: &'a Expectation) -> Self {
        let destination = destination::of(facts);
        let destination_pods = destination.as_ref().map_or_else(Vec::new, |to| destination::pods(facts, to));
        let clients = clients::sort(facts, |server| is_of_destination(destination.as_ref(), &destination_pods, server));
        Self {
            facts,
            expect,
            brokers: stack::brokers(facts),
            meshsyncs: stack::meshsyncs(facts),
            operator: stack::operator(facts),
            meshsync: stack::meshsync_deployment(facts),
            server: stack::server_deployment(facts),
            statefulsets: stack::broker_statefulsets(facts),
            meshsync_pods: stack::meshsync_pods(facts),
            broker_pods: stack::own_broker_pods(facts),
            destination,
            destination_pods,
            clients,
            line: line(facts),
            policies: policy::read(facts),
        }
    }

    /// The current time according to a broker server, otherwise according to this machine.
    pub(crate) fn clock(&self) -> Timestamp {
        let mut servers = self.facts.broker.servers.iter();
        let server_time = servers.find_map(|server| server.varz.now);
        server_time.unwrap_or(self.facts.taken_at)
    }

    /// Whether a `MeshSync` pod is really running. Unknown if the pods are unknown and the Deployment shows no ready pod,
    /// or if only a node that no longer reports said so.
    pub(crate) fn meshsync_runs(&self) -> Option<bool> {
        if self.facts.pods.is_settled() {
            let container = self.facts.profile.meshsync.container;
            let mut running = self.meshsync_pods.iter().filter(|pod| stack::running_since(pod, container).is_some());
            let first = running.next();
            return match first {
                Some(_) if first.into_iter().chain(running).all(|pod| self.is_out_of_date(pod)) => None,
                first => Some(first.is_some()),
            };
        }
        // A ready pod is running, but a pod that is not ready may be running too.
        match self.meshsync.known() {
            Some(deployment) if rollout::ready(deployment) > 0 => Some(true),
            _ => None,
        }
    }

    /// Why some custom resources are unknown; `None` if all are known.
    pub(crate) fn unseen_resources(&self) -> Option<String> {
        self.brokers.why_unsettled().or_else(|| self.meshsyncs.why_unsettled())
    }

    /// Whether any object of the stack is known to exist.
    pub(crate) fn has_something(&self) -> bool {
        self.operator.known().is_some() || self.has_custom_resource() || self.has_workload()
    }

    /// Whether any custom resource is known to exist.
    pub(crate) fn has_custom_resource(&self) -> bool {
        !self.brokers.items().is_empty() || !self.meshsyncs.items().is_empty()
    }

    /// Whether any workload of the broker or `MeshSync` is known to exist.
    pub(crate) fn has_workload(&self) -> bool {
        self.meshsync.known().is_some()
            || !self.statefulsets.items().is_empty()
            || !self.meshsync_pods.is_empty()
            || !self.broker_pods.is_empty()
    }

    /// The name of MeshSync's Deployment.
    pub(crate) fn meshsync_name(&self) -> &str {
        let usual = self.facts.profile.meshsync.resource;
        self.meshsync.known().map_or_else(
            || {
                let first = self.meshsyncs.items().first();
                first.map_or(usual, |meshsync| stack::name(&meshsync.metadata))
            },
            |deployment| stack::name(&deployment.metadata),
        )
    }

    /// The oldest pod in which MeshSync is running, and its start time.
    pub(crate) fn running_meshsync(&self) -> Option<(&'a Pod, Timestamp)> {
        let container = self.facts.profile.meshsync.container;
        self.meshsync_pods
            .iter()
            .filter_map(|pod| Some((*pod, stack::running_since(pod, container)?)))
            .min_by_key(|(_, since)| *since)
    }

    /// Whether the operator is running: it exists and has a ready pod.
    pub(crate) fn operator_is_up(&self) -> Option<bool> {
        match &self.operator {
            Seen::Known(deployment) => Some(rollout::ready(deployment) > 0),
            Seen::Absent => Some(false),
            _ => None,
        }
    }

    /// Where Meshery Server runs.
    pub(crate) fn server_location(&self) -> Location {
        if let Some(inside) = self.expect.server_inside {
            let said = "set by --expect".to_owned();
            return if inside { Location::Inside(said) } else { Location::Outside(said) };
        }
        if let Some(deployment) = self.server.known() {
            return Location::Inside(format!(
                "Deployment {} exists in this namespace",
                stack::name(&deployment.metadata)
            ));
        }
        let pod_ips: Vec<&str> = self.facts.pods.items().iter().filter_map(stack::pod_ip).collect();
        match self.clients.server.first() {
            Some((_, client)) if pod_ips.contains(&client.ip.as_str()) => {
                Location::Inside(format!("the broker's client {} has the address of a pod", client.name))
            }
            _ => Location::Unknown,
        }
    }

    // Helpers that most rules use in their messages.

    /// An object in the stack's namespace.
    pub(crate) fn object(&self, kind: &str, name: &str) -> ObjectRef {
        ObjectRef { kind: kind.into(), namespace: Some(self.facts.target.namespace.clone()), name: name.into() }
    }

    /// The name of the Broker CR, or its default name.
    pub(crate) fn broker_name(&self) -> &str {
        self.brokers.items().first().map_or(self.facts.profile.broker.resource, |broker| stack::name(&broker.metadata))
    }

    /// The pods of a component.
    pub(crate) fn pods_of(&self, component: Component) -> Vec<&'a Pod> {
        match component {
            Component::Operator => stack::operator_pods(self.facts),
            Component::Broker => self.broker_pods.clone(),
            Component::Meshsync => self.meshsync_pods.clone(),
            Component::Server => stack::server_pods(self.facts),
            Component::Adapter => stack::adapters(self.facts)
                .into_iter()
                .flat_map(|adapter| stack::pods_selected_by(self.facts, adapter))
                .collect(),
            Component::Discovery | Component::Networking | Component::Agents => {
                self.hub().map(|hub| hub.pods(component)).unwrap_or_default()
            }
            Component::Cluster | Component::Installation | Component::Policies => Vec::new(),
        }
    }
}

/// Which operator line is installed: according to the operator, otherwise to the broker that it created.
fn line(facts: &Facts) -> Option<Line> {
    let profile = facts.profile;
    if !profile.has_current_line() {
        return Some(Line::Old);
    }
    if let Some(deployment) = stack::operator(facts).known() {
        let containers = rollout::containers(deployment);
        if containers.iter().any(|container| container.name == profile.operator.old_line_container) {
            return Some(Line::Old);
        }
        return Some(Line::Current);
    }
    let sets = stack::broker_statefulsets(facts);
    let first = sets.items().first()?;
    Some(if stack::name(&first.metadata) == profile.broker.old { Line::Old } else { Line::Current })
}

/// Whether a server belongs to the broker that `MeshSync` is configured to use; without a destination, the stack's own.
pub(super) fn is_of_destination(destination: Option<&Destination>, pods: &[&Pod], server: &BrokerServer) -> bool {
    let custom = server.reached_by == Route::CustomAddress
        || server.pod.as_deref().is_some_and(|pod| pods.iter().any(|other| stack::name(&other.metadata) == pod));
    custom == destination.is_some_and(Destination::is_elsewhere)
}

/// A cluster-scoped object.
pub(crate) fn cluster_object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef { kind: kind.into(), namespace: None, name: name.into() }
}
