//! What commands that change Meshery Server need to know: its connections to the broker, its mode, and what exists here.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};

use super::{Expectation, RuleContext, clients::subscribes, server_view::FIRST_SYNC};
use crate::{
    facts::{Facts, stack},
    report::State,
    stack::manager,
};

/// The connections of Meshery Server to the stack's own broker, as the broker lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerLinks {
    /// Each of them.
    pub(crate) links: Vec<ServerLink>,
    /// Why some of the broker's clients are unknown. `None` if all are known.
    pub(crate) unseen: Option<String>,
    /// The names that a server gives to its connection: `meshery-server or meshery`.
    pub(crate) names: String,
    /// The subject of the events of `MeshSync`.
    pub(crate) subject: String,
    /// Whether a broker server answered.
    pub(crate) has_broker: bool,
}

/// One of these connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerLink {
    /// The ID of the broker server, which is unique for each of its starts, and the number of the connection there.
    pub(crate) id: (String, u64),
    /// The name of the client.
    pub(crate) name: String,
    /// The pod or the address of the broker server.
    pub(crate) broker: String,
    /// The client's address, as the broker server sees it.
    pub(crate) ip: String,
    /// When it connected.
    pub(crate) since: Option<Timestamp>,
    /// Whether it subscribes to the events of `MeshSync`.
    pub(crate) listens: bool,
    /// Whether it is so young that the first data may still be arriving.
    pub(crate) is_young: bool,
}

impl ServerLink {
    /// The connection as evidence: `meshery-server (client 12 of meshery-nats-0, from 10.0.0.7, since …)`.
    pub(crate) fn shown(&self) -> String {
        let since = self.since.map(|since| format!(", since {since:.0}")).unwrap_or_default();
        format!("{} (client {} of {}, from {}{since})", self.name, self.id.1, self.broker, self.ip)
    }
}

/// The server's connections to the stack's own broker.
pub(crate) fn server_links(facts: &Facts) -> ServerLinks {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let subject = facts.profile.events_subject();
    let own = context.clients.server.iter().filter(|(server, _)| !context.is_foreign(server));
    let links = own.map(|(server, client)| ServerLink {
        id: (server.varz.server_id.clone(), client.cid),
        name: client.name.clone(),
        broker: context.pod_of(server).or(server.address.as_deref()).unwrap_or("a broker server").to_owned(),
        ip: client.ip.clone(),
        since: client.start,
        listens: subscribes(client, &subject),
        is_young: client.start.is_some_and(|start| context.clock() < start + FIRST_SYNC),
    });
    ServerLinks {
        links: links.collect(),
        unseen: context.unseen_own_clients(),
        names: facts.profile.server.clients.join(" or "),
        subject,
        has_broker: facts.broker.servers.iter().any(|server| !context.is_foreign(server)),
    }
}

/// Whether the server is set to run `MeshSync` itself for this cluster, and the setting. `None` if that is not known.
pub(crate) fn server_mode(facts: &Facts) -> Option<(bool, String)> {
    let expect = Expectation::default();
    let mode = RuleContext::new(facts, &expect).server_mode()?;
    Some((mode.embedded, mode.evidence))
}

/// The setting that forbids the server to use the operator. `None` if none is known.
pub(crate) fn operator_forbidden(facts: &Facts) -> Option<String> {
    let expect = Expectation::default();
    RuleContext::new(facts, &expect).operator_forbidden()
}

/// What exists of the operator's stack, as far as its own objects prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OperatorStack {
    /// The state of the operator.
    pub(crate) operator: State,
    /// The state of `MeshSync`.
    pub(crate) meshsync: State,
    /// The state of the broker.
    pub(crate) broker: State,
    /// The operator's Deployment and the custom resources.
    pub(crate) objects: Vec<StackPart>,
    /// Why some of them are unknown. `None` if all are known.
    pub(crate) unseen: Option<String>,
}

/// One of these objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StackPart {
    /// Kind and name: `Deployment meshery-operator`.
    pub(crate) name: String,
    /// The Helm release that it belongs to. Meshery Server installs with Helm.
    pub(crate) release: Option<String>,
    /// Whether it is being deleted.
    pub(crate) terminating: bool,
}

/// What exists of the operator's stack.
pub(crate) fn operator_stack(facts: &Facts) -> OperatorStack {
    let expect = Expectation::default();
    let context = RuleContext::new(facts, &expect);
    let mut objects = Vec::new();
    if let Some(deployment) = context.operator.known() {
        objects.push(part("Deployment", &deployment.metadata));
    }
    objects.extend(context.brokers.items().iter().map(|broker| part("Broker", &broker.metadata)));
    objects.extend(context.meshsyncs.items().iter().map(|meshsync| part("MeshSync", &meshsync.metadata)));
    let states = context.states();
    let (operator, meshsync) = (states.operator.report.state, states.meshsync.report.state);
    OperatorStack {
        operator,
        meshsync,
        broker: states.broker.report.state,
        objects,
        unseen: context.operator.why_unsettled().or_else(|| context.unseen_resources()),
    }
}

fn part(kind: &str, metadata: &ObjectMeta) -> StackPart {
    StackPart {
        name: format!("{kind} {}", stack::name(metadata)),
        release: manager::release_of(metadata).map(|(release, _)| release),
        terminating: metadata.deletion_timestamp.is_some(),
    }
}
