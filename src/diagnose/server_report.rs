//! What Meshery Server answered, as a part of the report. Nothing is judged here.

use super::RuleContext;
use crate::{
    facts::server::{
        Adapter, ApiGeneration, Connections, Controlled, ControllerView, Diagnostic, NamedBy, ReachStep, ServerEvent,
        ServerFacts, ServerRoute, ServerSession, StoredData,
    },
    report::{
        AdapterReport, BrokerLinkReport, ConnectionReport, ControllerReport, DiagnosticReport, ReleaseReport,
        ServerAnswers, ServerEventReport, ServerModeReport, ServerUnreachable, SessionStatus, State, StoredKind,
        StoredReport, TokenReport, UnknownPart,
    },
    stack::base::seen::Seen,
};

/// What Meshery Server answered. `None` if it was not asked.
pub(super) fn answers(context: &RuleContext<'_>) -> Option<Box<ServerAnswers>> {
    let server = context.facts.server.as_deref()?;
    let (session, session_reason) = session(&server.session);
    let mut answers = ServerAnswers {
        address: server.address.clone(),
        named_by: named_by(server.named_by),
        context: server.context.clone(),
        reached_by: match server.route {
            ServerRoute::Direct => "direct",
            ServerRoute::PortForward => "port-forward",
        },
        unreachable: server
            .unreachable
            .as_ref()
            .map(|why| ServerUnreachable { step: step(why.step), message: why.message.clone() }),
        session,
        session_reason,
        token: server.token.as_ref().map(|token| TokenReport {
            source: token.source.clone(),
            expires: token.expires,
            in_clear: token.in_clear,
        }),
        token_withheld: server.token_withheld.clone(),
        provider: server.provider.clone(),
        release: server.version.known().map(|release| ReleaseReport {
            build: release.build.clone(),
            latest: release.latest.clone(),
            outdated: release.outdated,
            channel: release.channel.clone(),
        }),
        generation: generation(&server.generation),
        mode: mode(context, server),
        connections: server.connections.known().map(|connections| connections.total),
        connection: connection(context, server),
        ping: server.ping.known().cloned(),
        controllers: server.controllers.known().map(|views| views.iter().map(controller).collect()),
        diagnostics: server.diagnostics.known().map(|all| all.iter().map(diagnostic).collect()),
        broker_link: broker_link(context, server),
        data: server.data.known().map(|data| stored(data, server)),
        adapters: server.adapters.known().map(|all| all.iter().map(adapter).collect()),
        unknown: Vec::new(),
        events: server.events.known().map(|all| all.iter().map(event).collect()),
    };
    answers.unknown = unknown(context, server);
    Some(Box::new(answers))
}

fn named_by(by: NamedBy) -> &'static str {
    match by {
        NamedBy::Flag => "flag",
        NamedBy::Environment => "environment",
        NamedBy::Context => "context",
        NamedBy::Service => "service",
    }
}

fn step(step: ReachStep) -> &'static str {
    match step {
        ReachStep::Configuration => "configuration",
        ReachStep::Resolve => "resolve",
        ReachStep::Connect => "connect",
        ReachStep::PortForward => "port-forward",
        ReachStep::Tls => "tls",
        ReachStep::Response => "response",
        ReachStep::NotTheServer => "not-the-server",
    }
}

fn session(session: &ServerSession) -> (SessionStatus, Option<String>) {
    let reason = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    match session {
        ServerSession::LoggedIn => (SessionStatus::LoggedIn, None),
        ServerSession::Local => (SessionStatus::Local, None),
        ServerSession::NoToken => (SessionStatus::NoToken, None),
        ServerSession::Expired => (SessionStatus::Expired, None),
        ServerSession::Rejected(target) => (SessionStatus::Rejected, reason(target)),
        ServerSession::ProviderDown => (SessionStatus::ProviderDown, None),
        ServerSession::Unknown(why) => (SessionStatus::Unknown, reason(why)),
        ServerSession::NotAsked => (SessionStatus::NotAsked, None),
    }
}

fn generation(generation: &Seen<ApiGeneration>) -> Option<&'static str> {
    match generation {
        Seen::Known(ApiGeneration::Controllers) => Some("controllers"),
        Seen::Known(ApiGeneration::Connections) => Some("connections"),
        Seen::Known(ApiGeneration::Graphql) => Some("graphql"),
        Seen::Absent => Some("none"),
        _ => None,
    }
}

/// The mode that the connection asks for, otherwise that of the environment of the server's Deployment.
fn mode(context: &RuleContext<'_>, server: &ServerFacts) -> Option<ServerModeReport> {
    let cluster_id = context.facts.cluster_id.known();
    let connection = cluster_id.and_then(|cluster_id| server.connection_to(cluster_id));
    if let Some((connection, mode)) = connection.and_then(|connection| Some((connection, connection.mode.as_ref()?))) {
        let evidence = format!("connection {}: its mode is {mode}", connection.name);
        return Some(ServerModeReport { value: mode.clone(), from: "connection", evidence });
    }
    let mode = context.server_mode()?;
    let value = if mode.embedded { "embedded" } else { "operator" };
    Some(ServerModeReport { value: value.into(), from: "deployment", evidence: mode.evidence })
}

fn connection(context: &RuleContext<'_>, server: &ServerFacts) -> Option<ConnectionReport> {
    let cluster_id = context.facts.cluster_id.known()?;
    let connection = server.connection_to(cluster_id)?;
    Some(ConnectionReport {
        context_id: connection.context_id.clone(),
        connection_id: connection.id.clone(),
        cluster_id: cluster_id.clone(),
        name: connection.name.clone(),
        status: connection.status.clone(),
        api_server: connection.api_server.clone(),
    })
}

fn controller(view: &ControllerView) -> ControllerReport {
    ControllerReport {
        controller: match view.controller {
            Controlled::Operator => "operator",
            Controlled::Broker => "broker",
            Controlled::Meshsync => "meshsync",
        },
        said: view.said.clone(),
        state: view.state(),
        version: view.version.clone(),
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> DiagnosticReport {
    DiagnosticReport {
        severity: diagnostic.severity.clone(),
        code: diagnostic.code.clone(),
        controller: diagnostic.controller.clone(),
        summary: diagnostic.summary.clone(),
        description: diagnostic.description.clone(),
        remediation: diagnostic.remediation.clone(),
        endpoint: diagnostic.endpoint.clone(),
    }
}

/// The server's connection to the broker: as the server says, otherwise as the broker says.
///
/// The generation of GraphQL asks only the external address of the broker's monitor. That it does not see the connection
/// proves nothing.
fn broker_link(context: &RuleContext<'_>, server: &ServerFacts) -> Option<BrokerLinkReport> {
    let broken = server.diagnostics.items().iter().find(|diagnostic| diagnostic.code == "broker_unreachable");
    if let Some(broken) = broken {
        return Some(BrokerLinkReport { connected: false, from: "server", endpoint: broken.endpoint.clone() });
    }
    let view = server.controllers.items().iter().find(|view| view.controller == Controlled::Broker);
    if let Some(view) = view.filter(|view| view.state() == State::Connected) {
        // The address is behind the state.
        let endpoint = view.said.split_whitespace().nth(1).map(str::to_owned);
        return Some(BrokerLinkReport { connected: true, from: "server", endpoint });
    }
    if !context.clients.server.is_empty() {
        return Some(BrokerLinkReport { connected: true, from: "broker", endpoint: None });
    }
    let is_judge = server.generation.known().is_some_and(|generation| *generation != ApiGeneration::Graphql);
    let view = view.filter(|view| is_judge && view.state() != State::Unknown);
    view.map(|_| BrokerLinkReport { connected: false, from: "server", endpoint: None })
}

/// The number of stored objects of each kind, beside the cluster's own number. A server that lists every kind has stored
/// no object of a kind that it does not list.
fn stored(data: &StoredData, server: &ServerFacts) -> StoredReport {
    let served = |kind: &str| server.served.get(kind).and_then(Seen::known).copied();
    let mut kinds: Vec<StoredKind> = data
        .kinds
        .iter()
        .map(|(kind, stored)| StoredKind { kind: kind.clone(), stored: *stored, served: served(kind) })
        .collect();
    if data.every_kind {
        let missing = server.served.keys().filter(|kind| !data.kinds.contains_key(*kind));
        let missing = missing.filter_map(|kind| {
            Some(StoredKind { kind: kind.clone(), stored: 0, served: Some(served(kind).filter(|n| *n > 0)?) })
        });
        kinds.extend(missing);
        kinds.sort_by(|one, other| one.kind.cmp(&other.kind));
    }
    StoredReport { total: data.total, kinds }
}

fn adapter(adapter: &Adapter) -> AdapterReport {
    AdapterReport {
        location: adapter.location.clone(),
        name: adapter.name.clone(),
        version: adapter.version.clone(),
        reachable: adapter.reached_by_server.known().copied(),
        port_open: adapter.port_open.known().copied(),
    }
}

fn event(event: &ServerEvent) -> ServerEventReport {
    ServerEventReport {
        created: event.created,
        severity: event.severity.clone(),
        category: event.category.clone(),
        action: event.action.clone(),
        description: event.description.clone(),
    }
}

/// What was asked and could not be read.
fn unknown(context: &RuleContext<'_>, server: &ServerFacts) -> Vec<UnknownPart> {
    fn why<T>(part: &'static str, seen: &Seen<T>) -> Option<UnknownPart> {
        let reason = seen.why_unsettled().filter(|_| !seen.is_not_looked())?;
        Some(UnknownPart { part, reason })
    }
    let known: Option<&Connections> = server.connections.known();
    let ours = match known {
        Some(_) => context
            .facts
            .cluster_id
            .why_unsettled()
            .map(|why| UnknownPart { part: "connection", reason: format!("the ID of this cluster is unknown: {why}") }),
        None => None,
    };
    [
        why("release", &server.version),
        why("generation", &server.generation),
        why("connections", &server.connections),
        ours,
        why("ping", &server.ping),
        why("controllers", &server.controllers),
        why("diagnostics", &server.diagnostics),
        why("data", &server.data),
        why("adapters", &server.adapters),
        why("events", &server.events),
    ]
    .into_iter()
    .flatten()
    .collect()
}
