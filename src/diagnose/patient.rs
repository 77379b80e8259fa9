//! The patient: facts, and what every rule would otherwise work out again.

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
    rollout,
};
use crate::{
    destination::{self, Destination, GivenBy, Place},
    facts::{Attempt, Broker, BrokerServer, Facts, FailureKind, Meshsync, Way},
    report::{Command, Component, Effect, ObjectRef},
    seen::{Denial, Seen},
    stack,
};

/// Which operator line is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// 1.0 and later.
    Current,
    /// 0.8 and earlier.
    Old,
}

/// Where the server runs that reads from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In this cluster.
    Inside(String),
    /// Not in this cluster.
    Outside(String),
    /// Nothing says.
    Unknown,
}

/// How the cluster is meant to be watched, and so what of the stack should exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The operator makes broker and `MeshSync` from custom resources.
    Operator,
    /// The operator makes `MeshSync`, which publishes to a broker by address.
    CustomBroker,
    /// Somebody's own Deployment runs `MeshSync`, without operator and custom resources.
    Standalone,
    /// `MeshSync` runs inside the server, and nothing is to be here.
    Embedded,
    /// Nothing is here, and nobody said what should be.
    None,
    /// Not enough was seen.
    Unknown,
}

impl Mode {
    /// As the report names it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::CustomBroker => "custom-broker",
            Self::Standalone => "standalone",
            Self::Embedded => "embedded",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// Facts, and what follows from them at once.
pub(crate) struct Patient<'a> {
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
    /// Where `MeshSync` is told to publish by somebody else than a Broker object.
    pub(crate) destination: Option<Destination>,
    /// Pods of this namespace that are that place.
    pub(crate) destination_pods: Vec<&'a Pod>,
    pub(super) clients: Clients<'a>,
    pub(crate) line: Option<Line>,
}

impl<'a> Patient<'a> {
    pub(super) fn new(facts: &'a Facts, expect: &'a Expectation) -> Self {
        let destination = destination::of(facts);
        let destination_pods = destination
            .as_ref()
            .map_or_else(Vec::new, |to| destination::pods(facts, to));
        let clients = clients::sort(facts, |server| {
            goes_there(destination.as_ref(), &destination_pods, server)
        });
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
        }
    }

    /// Whether a pod of `MeshSync` really runs; unknown where pods were not seen and the Deployment does not say.
    pub(crate) fn meshsync_runs(&self) -> Option<bool> {
        if self.facts.pods.is_settled() {
            let container = self.facts.profile.meshsync.container;
            return Some(
                self.meshsync_pods
                    .iter()
                    .any(|pod| stack::running_since(pod, container).is_some()),
            );
        }
        // A ready pod is one that runs; that none is ready proves nothing.
        match self.meshsync.known() {
            Some(deployment) if rollout::ready(deployment) > 0 => Some(true),
            _ => None,
        }
    }

    /// Broker pods in which a server runs.
    pub(crate) fn running_broker_pods(&self) -> impl Iterator<Item = &'a Pod> {
        running(self.facts, &self.broker_pods)
    }

    /// The broker that `MeshSync` is told to use in the place of the stack's own; none when it uses that.
    pub(crate) fn elsewhere(&self) -> Option<&Destination> {
        self.destination
            .as_ref()
            .filter(|destination| destination.is_elsewhere())
    }

    /// Whether a server is one on which `MeshSync` is to be a client.
    pub(crate) fn is_target(&self, server: &BrokerServer) -> bool {
        goes_there(self.destination.as_ref(), &self.destination_pods, server)
    }

    /// The servers on which `MeshSync` is to be a client.
    pub(crate) fn target_servers(&self) -> impl Iterator<Item = &'a BrokerServer> {
        self.facts
            .broker
            .servers
            .iter()
            .filter(|server| self.is_target(server))
    }

    /// Whether a server is of a broker that is not the stack's own.
    pub(crate) fn is_foreign(&self, server: &BrokerServer) -> bool {
        self.elsewhere().is_some() && self.is_target(server)
    }

    /// Whether an attempt was one at such a broker.
    pub(crate) fn is_foreign_attempt(&self, attempt: &Attempt) -> bool {
        let pod = attempt.pod.as_deref();
        attempt.way == Way::CustomAddress
            || (self.elsewhere().is_some()
                && self
                    .destination_pods
                    .iter()
                    .any(|other| Some(stack::name(&other.metadata)) == pod))
    }

    /// Why not every client of the broker that `MeshSync` is to use was seen; none when all were.
    pub(crate) fn unseen_clients(&self) -> Option<String> {
        match self.elsewhere() {
            None => self.unseen_own_clients(),
            Some(destination) => self.unseen_clients_of(destination),
        }
    }

    /// Why not every client of the stack's own broker was seen; none when all were.
    pub(crate) fn unseen_own_clients(&self) -> Option<String> {
        let servers: Vec<&BrokerServer> = self
            .facts
            .broker
            .servers
            .iter()
            .filter(|server| !self.is_foreign(server))
            .collect();
        self.unseen_of_pods(&servers, &self.broker_pods)
    }

    fn unseen_clients_of(&self, destination: &Destination) -> Option<String> {
        let servers: Vec<&BrokerServer> = self.target_servers().collect();
        match &destination.place {
            Place::Service(_) => return self.unseen_of_pods(&servers, &self.destination_pods),
            // Nothing is there that could have a client.
            Place::Nowhere(_) => return None,
            Place::Unseen(why) => return Some(format!("the Services are not known: {why}")),
            Place::Stack | Place::Namespace(_) | Place::Beyond => {}
        }
        let shown = destination.shown();
        let Some(server) = servers.first() else {
            let failure = self
                .attempt_at(destination)
                .and_then(|attempt| attempt.failure.as_ref());
            return Some(match failure {
                Some(failure) => failure.message.clone(),
                None => format!("the broker at {shown} was not asked"),
            });
        };
        if let Some(why) = partial(server) {
            return Some(format!("{shown}: {why}"));
        }
        // Its other servers have addresses of their own.
        let listed = server
            .connections
            .items()
            .iter()
            .any(|client| client.name == self.facts.profile.meshsync.client);
        (server.varz.routes > 0 && !listed).then(|| {
            format!(
                "{shown} is one of several servers of its broker, and the others were not asked"
            )
        })
    }

    /// What came of asking at a destination outside this namespace.
    pub(crate) fn attempt_at(&self, destination: &Destination) -> Option<&'a Attempt> {
        let shown = destination.shown();
        self.facts.broker.attempts.iter().find(|attempt| {
            attempt.way == Way::CustomAddress && attempt.address.as_deref() == Some(&shown)
        })
    }

    fn unseen_of_pods(&self, servers: &[&BrokerServer], pods: &[&'a Pod]) -> Option<String> {
        if let Some(why) = self.facts.pods.why_unsettled()
            && servers.is_empty()
        {
            return Some(format!("the broker's pods are not known: {why}"));
        }
        if !self.facts.broker.looked {
            return Some("the broker was not asked".into());
        }
        if let Some((server, why)) = servers
            .iter()
            .find_map(|server| Some((server, partial(server)?)))
        {
            let name = server.pod.as_deref().unwrap_or("a broker server");
            return Some(format!("{name}: {why}"));
        }
        let unasked: Vec<&Pod> = running(self.facts, pods)
            .filter(|pod| !self.was_asked(pod))
            .collect();
        // A server reached by an address only belongs to a pod that could not be reached itself.
        let by_address = servers
            .iter()
            .filter(|server| self.pod_of(server).is_none())
            .count();
        if unasked.len() > by_address {
            let why = unasked
                .iter()
                .find_map(|pod| self.failure_of(stack::name(&pod.metadata)))
                .unwrap_or_else(|| "the broker could not be asked".into());
            return Some(if pods.len() > 1 {
                format!(
                    "{} of {} broker servers could not be asked: {why}",
                    unasked.len() - by_address,
                    pods.len()
                )
            } else {
                why
            });
        }
        None
    }

    fn was_asked(&self, pod: &Pod) -> bool {
        self.facts
            .broker
            .servers
            .iter()
            .any(|server| self.pod_of(server) == Some(stack::name(&pod.metadata)))
    }

    /// The pod of a server: the one that led to it, or the one whose name the server bears.
    pub(crate) fn pod_of<'b>(&self, server: &'b BrokerServer) -> Option<&'b str> {
        server.pod.as_deref().or_else(|| {
            server.varz.server_name.as_deref().filter(|name| {
                self.broker_pods
                    .iter()
                    .chain(&self.destination_pods)
                    .any(|pod| stack::name(&pod.metadata) == *name)
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

    /// Ways that failed and were not merely forbidden or barred.
    pub(crate) fn failed_attempts(
        &self,
    ) -> impl Iterator<Item = (&'a Attempt, FailureKind, &'a str)> {
        self.facts.broker.attempts.iter().filter_map(|attempt| {
            let failure = attempt.failure.as_ref()?;
            Some((attempt, failure.kind, failure.message.as_str()))
        })
    }

    /// Whether any custom resource is known to be there.
    pub(crate) fn has_custom_resource(&self) -> bool {
        !self.brokers.items().is_empty() || !self.meshsyncs.items().is_empty()
    }

    /// Whether any workload of the broker or `MeshSync` is known to be there.
    pub(crate) fn has_workload(&self) -> bool {
        self.meshsync.known().is_some()
            || !self.statefulsets.items().is_empty()
            || !self.meshsync_pods.is_empty()
            || !self.broker_pods.is_empty()
    }

    /// Whether MeshSync is somebody's own Deployment, without operator and custom resources, by intent.
    pub(crate) fn is_standalone(&self) -> bool {
        let own = |deployment: &Deployment| deployment.metadata.owner_references.is_none();
        self.meshsync.known().copied().is_some_and(own)
            && self.operator.is_absent()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled()
            && !self.has_custom_resource()
    }

    /// The mode, and how we know.
    pub(crate) fn mode(&self) -> (Mode, Option<String>) {
        if self.is_standalone() {
            let name = self.meshsync_name();
            return (
                Mode::Standalone,
                Some(format!("Deployment {name} belongs to no MeshSync object")),
            );
        }
        if let Some(destination) = self.elsewhere()
            && destination.given_by == GivenBy::Object
        {
            return (Mode::CustomBroker, Some(self.told(destination)));
        }
        if self.operator.known().is_some() || self.has_custom_resource() || self.has_workload() {
            return (Mode::Operator, None);
        }
        let seen = self.operator.is_absent()
            && self.statefulsets.is_settled()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled();
        match (seen, self.expect.embedded) {
            (true, true) => (Mode::Embedded, Some("--expect says so".into())),
            (true, false) => (Mode::None, None),
            (false, _) => (Mode::Unknown, None),
        }
    }

    /// Who tells `MeshSync` to publish to a destination, as evidence.
    pub(crate) fn told(&self, destination: &Destination) -> String {
        let name = self.meshsync_name();
        match destination.given_by {
            GivenBy::Object => format!(
                "spec.broker.custom.url of MeshSync {name} is {}",
                destination.address
            ),
            GivenBy::Deployment => format!(
                "Deployment {name}: {} is {}",
                destination::ADDRESS,
                destination.address
            ),
        }
    }

    /// Whether a Deployment of somebody's own says where `MeshSync` publishes, and no object does.
    pub(crate) fn goes_by_deployment(&self) -> bool {
        self.destination
            .as_ref()
            .is_some_and(|destination| destination.given_by == GivenBy::Deployment)
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

    /// The oldest pod in which MeshSync runs, and since when.
    pub(crate) fn running_meshsync(&self) -> Option<(&'a Pod, Timestamp)> {
        let container = self.facts.profile.meshsync.container;
        self.meshsync_pods
            .iter()
            .filter_map(|pod| Some((*pod, stack::running_since(pod, container)?)))
            .min_by_key(|(_, since)| *since)
    }

    /// The command that restarts MeshSync.
    pub(crate) fn restart_meshsync(&self) -> Command {
        self.kubectl(
            Effect::Write,
            &format!("rollout restart deployment/{}", self.meshsync_name()),
        )
    }

    /// Whether the operator is up: it exists, and a pod of it is ready.
    pub(crate) fn operator_is_up(&self) -> Option<bool> {
        match &self.operator {
            Seen::Known(deployment) => Some(rollout::ready(deployment) > 0),
            Seen::Absent => Some(false),
            _ => None,
        }
    }

    /// Where the server runs that reads from the broker.
    pub(crate) fn server_location(&self) -> Location {
        if let Some(inside) = self.expect.server_inside {
            let said = "--expect says so".to_owned();
            return if inside {
                Location::Inside(said)
            } else {
                Location::Outside(said)
            };
        }
        if let Some(deployment) = self.server.known() {
            return Location::Inside(format!(
                "Deployment {} is here",
                stack::name(&deployment.metadata)
            ));
        }
        let pod_ips: Vec<&str> = self
            .facts
            .pods
            .items()
            .iter()
            .filter_map(stack::pod_ip)
            .collect();
        match self.clients.server.first() {
            Some((_, client)) if pod_ips.contains(&client.ip.as_str()) => Location::Inside(
                format!("the broker's client {} has a pod's address", client.name),
            ),
            _ => Location::Unknown,
        }
    }

    // What every rule needs to say what it means.

    /// An object of the stack's namespace.
    pub(crate) fn object(&self, kind: &str, name: &str) -> ObjectRef {
        ObjectRef {
            kind: kind.into(),
            namespace: Some(self.facts.target.namespace.clone()),
            name: name.into(),
        }
    }

    /// A kubectl command in the stack's namespace.
    pub(crate) fn kubectl(&self, effect: Effect, rest: &str) -> Command {
        Command {
            run: format!(
                "kubectl{} -n {} {rest}",
                self.context_flag(),
                quoted(&self.facts.target.namespace)
            ),
            effect,
        }
    }

    /// A kubectl command about objects of the whole cluster.
    pub(crate) fn kubectl_cluster(&self, effect: Effect, rest: &str) -> Command {
        Command {
            run: format!("kubectl{} {rest}", self.context_flag()),
            effect,
        }
    }

    /// A command of this tool.
    pub(crate) fn meshdoctor(&self, effect: Effect, rest: &str) -> Command {
        let namespace = &self.facts.target.namespace;
        let profile = self.facts.profile;
        let namespace = if namespace == profile.namespace {
            String::new()
        } else {
            format!(" -n {}", quoted(namespace))
        };
        let profile = if profile.name == "meshery" {
            String::new()
        } else {
            format!(" --profile {}", profile.name)
        };
        Command {
            run: format!(
                "meshdoctor {rest}{}{namespace}{profile}",
                self.context_flag()
            ),
            effect,
        }
    }

    pub(crate) fn context_flag(&self) -> String {
        match &self.facts.target.context {
            Some(context) => format!(" --context {}", quoted(context)),
            None => String::new(),
        }
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
                .flat_map(|adapter| stack::adapter_pods(self.facts, adapter))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The first refusal among these facts.
    pub(crate) fn denial<T>(seen: &Seen<T>) -> Option<&Denial> {
        match seen {
            Seen::Denied(denial) => Some(denial),
            _ => None,
        }
    }
}

/// Those of these pods in which a NATS server runs.
fn running<'a>(facts: &'a Facts, pods: &[&'a Pod]) -> impl Iterator<Item = &'a Pod> {
    pods.iter()
        .copied()
        .filter(|pod| stack::nats_running_since(facts, pod).is_some())
}

/// Why not every client of a server is known; none when all are.
fn partial(server: &BrokerServer) -> Option<String> {
    if server.connections.known().is_some() && server.complete {
        return None;
    }
    Some(
        server
            .connections
            .why_unsettled()
            .unwrap_or_else(|| "not every page of its clients could be read".into()),
    )
}

/// Whether a server is of the broker that `MeshSync` is told to use; without a destination that is the stack's own.
fn goes_there(destination: Option<&Destination>, pods: &[&Pod], server: &BrokerServer) -> bool {
    let custom = server.reached_by == Way::CustomAddress
        || server
            .pod
            .as_deref()
            .is_some_and(|pod| pods.iter().any(|other| stack::name(&other.metadata) == pod));
    custom == destination.is_some_and(Destination::is_elsewhere)
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Which operator line is installed: by the operator itself, else by the broker that it made.
fn line(facts: &Facts) -> Option<Line> {
    let profile = facts.profile;
    if profile.broker.current.is_none() {
        return Some(Line::Old);
    }
    if let Some(deployment) = stack::operator(facts).known() {
        let containers = rollout::containers(deployment);
        if containers
            .iter()
            .any(|container| container.name == profile.operator.old_line_container)
        {
            return Some(Line::Old);
        }
        return Some(Line::Current);
    }
    let sets = stack::broker_statefulsets(facts);
    let first = sets.items().first()?;
    Some(if stack::name(&first.metadata) == profile.broker.old {
        Line::Old
    } else {
        Line::Current
    })
}
