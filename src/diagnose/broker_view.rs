//! Which broker servers `MeshSync` should use, and whether all of their clients are known.

use k8s_openapi::api::core::v1::Pod;

use super::stack_view::{StackView, is_of_destination};
use crate::{
    facts::{
        Attempt, BrokerServer, Facts, FailureKind,
        destination::{Destination, Place},
        stack,
    },
    report::Route,
};

impl<'a> StackView<'a> {
    /// Broker pods in which a NATS server is running.
    pub(crate) fn running_broker_pods(&self) -> impl Iterator<Item = &'a Pod> {
        running(self.facts, &self.broker_pods)
    }

    /// The broker that `MeshSync` is configured to use instead of the stack's own; `None` if it uses the stack's own.
    pub(crate) fn elsewhere(&self) -> Option<&Destination> {
        self.destination.as_ref().filter(|destination| destination.is_elsewhere())
    }

    /// Whether `MeshSync` should be connected to this server.
    pub(crate) fn is_target(&self, server: &BrokerServer) -> bool {
        is_of_destination(self.destination.as_ref(), &self.destination_pods, server)
    }

    /// The servers that `MeshSync` should be connected to.
    pub(crate) fn target_servers(&self) -> impl Iterator<Item = &'a BrokerServer> {
        self.facts.broker.servers.iter().filter(|server| self.is_target(server))
    }

    /// Whether a server belongs to a broker other than the stack's own.
    pub(crate) fn is_foreign(&self, server: &BrokerServer) -> bool {
        self.elsewhere().is_some() && self.is_target(server)
    }

    /// Whether an attempt targeted such a broker.
    pub(crate) fn is_foreign_attempt(&self, attempt: &Attempt) -> bool {
        let pod = attempt.pod.as_deref();
        attempt.route == Route::CustomAddress
            || (self.elsewhere().is_some()
                && self.destination_pods.iter().any(|other| Some(stack::name(&other.metadata)) == pod))
    }

    /// Why some clients of `MeshSync`'s broker are unknown; `None` if all are known.
    pub(crate) fn unseen_clients(&self) -> Option<String> {
        match self.elsewhere() {
            None => self.unseen_own_clients(),
            Some(destination) => self.unseen_clients_of(destination),
        }
    }

    /// Why some clients of the stack's own broker are unknown; `None` if all are known.
    pub(crate) fn unseen_own_clients(&self) -> Option<String> {
        let servers: Vec<&BrokerServer> =
            self.facts.broker.servers.iter().filter(|server| !self.is_foreign(server)).collect();
        self.unseen_of_pods(&servers, &self.broker_pods)
    }

    fn unseen_clients_of(&self, destination: &Destination) -> Option<String> {
        let servers: Vec<&BrokerServer> = self.target_servers().collect();
        match &destination.place {
            Place::Service(_) => return self.unseen_of_pods(&servers, &self.destination_pods),
            // Nothing is running there, so there are no clients.
            Place::Nowhere(_) => return None,
            Place::Unseen(why) => return Some(format!("the Services are unknown: {why}")),
            Place::Stack | Place::Namespace(_) | Place::Beyond => {}
        }
        let shown = destination.shown();
        let Some(server) = servers.first() else {
            let failure = self.attempt_at(destination).and_then(|attempt| attempt.failure.as_ref());
            return Some(match failure {
                Some(failure) => failure.message.clone(),
                None => format!("the broker at {shown} was not checked"),
            });
        };
        if let Some(why) = partial(server) {
            return Some(format!("{shown}: {why}"));
        }
        // The broker's other servers have other addresses.
        let listed = server.connections.items().iter().any(|client| client.name == self.facts.profile.meshsync.client);
        (server.varz.routes > 0 && !listed)
            .then(|| format!("{shown} is one of several servers of its broker, and the others were not checked"))
    }

    /// The result of the attempt to reach a destination outside this namespace.
    pub(crate) fn attempt_at(&self, destination: &Destination) -> Option<&'a Attempt> {
        let shown = destination.shown();
        self.facts
            .broker
            .attempts
            .iter()
            .find(|attempt| attempt.route == Route::CustomAddress && attempt.address.as_deref() == Some(&shown))
    }

    fn unseen_of_pods(&self, servers: &[&BrokerServer], pods: &[&'a Pod]) -> Option<String> {
        if let Some(why) = self.facts.pods.why_unsettled()
            && servers.is_empty()
        {
            return Some(format!("the broker's pods are unknown: {why}"));
        }
        if !self.facts.broker.looked {
            return Some("the broker was not checked".into());
        }
        if let Some((server, why)) = servers.iter().find_map(|server| Some((server, partial(server)?))) {
            let name = server.pod.as_deref().unwrap_or("a broker server");
            return Some(format!("{name}: {why}"));
        }
        let not_queried: Vec<&Pod> = running(self.facts, pods).filter(|pod| !self.was_asked(pod)).collect();
        // A server reached by address may be one of the pods that could not be reached directly.
        let by_address = servers.iter().filter(|server| self.pod_of(server).is_none()).count();
        if not_queried.len() > by_address {
            let why = not_queried
                .iter()
                .find_map(|pod| self.failure_of(stack::name(&pod.metadata)))
                .unwrap_or_else(|| "the broker is unreachable".into());
            return Some(if pods.len() > 1 {
                format!("{} of {} broker servers are unreachable: {why}", not_queried.len() - by_address, pods.len())
            } else {
                why
            });
        }
        None
    }

    fn was_asked(&self, pod: &Pod) -> bool {
        self.facts.broker.servers.iter().any(|server| self.pod_of(server) == Some(stack::name(&pod.metadata)))
    }

    /// The pod of a server: the pod through which it was reached, or the pod with the server's name.
    pub(crate) fn pod_of<'b>(&self, server: &'b BrokerServer) -> Option<&'b str> {
        server.pod.as_deref().or_else(|| {
            server.varz.server_name.as_deref().filter(|name| {
                self.broker_pods.iter().chain(&self.destination_pods).any(|pod| stack::name(&pod.metadata) == *name)
            })
        })
    }

    fn failure_of(&self, pod: &str) -> Option<String> {
        self.facts
            .broker
            .attempts
            .iter()
            .filter(|attempt| attempt.pod.as_deref() == Some(pod))
            .find_map(|attempt| Some(attempt.failure.as_ref()?.message.clone()))
    }

    /// Attempts that failed.
    pub(crate) fn failed_attempts(&self) -> impl Iterator<Item = (&'a Attempt, FailureKind, &'a str)> {
        self.facts.broker.attempts.iter().filter_map(|attempt| {
            let failure = attempt.failure.as_ref()?;
            Some((attempt, failure.kind, failure.message.as_str()))
        })
    }
}

/// The pods in which a NATS server is running.
fn running<'a>(facts: &'a Facts, pods: &[&'a Pod]) -> impl Iterator<Item = &'a Pod> {
    pods.iter().copied().filter(|pod| stack::nats_running_since(facts, pod).is_some())
}

/// Why some clients of a server are unknown; `None` if all are known.
fn partial(server: &BrokerServer) -> Option<String> {
    if server.connections.known().is_some() && server.complete {
        return None;
    }
    Some(server.connections.why_unsettled().unwrap_or_else(|| "not every page of its clients could be read".into()))
}
