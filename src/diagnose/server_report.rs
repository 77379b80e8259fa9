//! What Meshery Server answered, as a part of the report. Nothing is judged here.

use super::{RuleContext, server_config};
use crate::{
    facts::server::{
        Adapter, ApiGeneration, ClusterConnection, ConnectionPing, Connections, Controlled, ControllerView, Diagnostic,
        NamedBy, ReachStep, ServerEvent, ServerFacts, ServerRoute, ServerSession, StoredData,
    },
    report::{
        AdapterReport, BrokerLinkReport, ConnectionReport, ContextPing, ContextReport, ControllerReport,
        DiagnosticReport, ReleaseReport, ServerAnswers, ServerEventReport, ServerModeReport, ServerUnreachable,
        SessionStatus, State, StoredKind, StoredReport, TokenReport, UnknownPart,
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
        mode: mode(context),
        connections: server.connections.known().map(|connections| connections.total),
        connection: connection(context, server),
        ping: server.ping.known().cloned(),
        controllers: server.controllers.known().map(|views| views.iter().map(controller).collect()),
        diagnostics: server.diagnostics.known().map(|all| all.iter().map(diagnostic).collect()),
        broker_link: broker_link(context, server),
        config: server.config.known().map(|fields| server_config::report(context, fields)),
        data: server.data.known().map(|data| stored(data, server)),
        adapters: server.adapters.known().map(|all| all.iter().map(adapter).collect()),
        unknown: Vec::new(),
        contexts: server.connections.known().map(|connections| contexts(context, server, connections)),
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

/// The mode in effect, and whether the connection or the environment of the server's Deployment sets it.
fn mode(context: &RuleContext<'_>) -> Option<ServerModeReport> {
    let mode = context.server_mode()?;
    let by_connection = context.connection_mode().is_some_and(|of| of.evidence == mode.evidence);
    let value = if mode.embedded { "embedded" } else { "operator" };
    let from = if by_connection { "connection" } else { "deployment" };
    Some(ServerModeReport { value: value.into(), from, evidence: mode.evidence })
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

fn contexts(context: &RuleContext<'_>, server: &ServerFacts, connections: &Connections) -> Vec<ContextReport> {
    let own = context.facts.cluster_id.known();
    let one = |connection: &ClusterConnection| ContextReport {
        name: connection.name.clone(),
        status: connection.status.clone(),
        this_cluster: own.zip(connection.cluster_id.as_ref()).map(|(own, of)| own == of),
        api_server: connection.api_server.clone(),
        connection_id: connection.id.clone(),
        context_id: connection.context_id.clone(),
        cluster_id: connection.cluster_id.clone(),
        mode: connection.mode.clone(),
        updated: connection.updated,
        ping: server.pings.get(&connection.id).map(ping),
    };
    connections.items.iter().map(one).collect()
}

/// An answer that is an error shows that the server does not reach the cluster, unless it is about our session. Without an
/// answer nothing is known.
fn ping(ping: &ConnectionPing) -> ContextPing {
    let version = ping.version.known().cloned();
    ContextPing {
        reached: if version.is_some() {
            Some(true)
        } else {
            ping.status.filter(|status| !matches!(status, 401 | 403 | 429)).map(|_| false)
        },
        version,
        reason: ping.version.why_unsettled(),
        micros: Some(ping.micros),
    }
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
    if let Some(broken) = context.server_says("broker_unreachable") {
        return Some(BrokerLinkReport { connected: false, from: "server", endpoint: broken.endpoint.clone() });
    }
    let view = context.server_view_of(Controlled::Broker);
    if let Some(view) = view.filter(|view| view.state() == State::Connected) {
        // The address is behind the state.
        let endpoint = view.said.split_whitespace().nth(1).map(str::to_owned);
        return Some(BrokerLinkReport { connected: true, from: "server", endpoint });
    }
    if !context.clients.server.is_empty() {
        return Some(BrokerLinkReport { connected: true, from: "broker", endpoint: None });
    }
    let embedded = context.server_is_embedded() == Some(true);
    if !embedded && !context.facts.broker.servers.is_empty() && context.unseen_own_clients().is_none() {
        return Some(BrokerLinkReport { connected: false, from: "broker", endpoint: None });
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
        why("config", &server.config),
        why("data", &server.data),
        why("adapters", &server.adapters),
        why("events", &server.events),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::{api::apps::v1::Deployment, jiff::Timestamp};

    use super::*;
    use crate::{
        diagnose::Expectation,
        facts::{Facts, server::ClusterConnection},
    };

    const CLUSTER: &str = "a773e1e1-573a-43f6-81d3-08a4da5064cf";

    fn answers_of(server: ServerFacts, deployments: Seen<Vec<Deployment>>) -> ServerAnswers {
        let facts = Facts {
            cluster_id: Seen::Known(CLUSTER.into()),
            server: Some(Box::new(server)),
            deployments,
            ..Facts::default()
        };
        let expect = Expectation::default();
        *answers(&RuleContext::new(&facts, &expect)).expect("a server")
    }

    fn connection(id: &str, status: &str, updated: i64, mode: Option<&str>) -> ClusterConnection {
        ClusterConnection {
            id: id.into(),
            cluster_id: Some(CLUSTER.into()),
            status: status.into(),
            updated: Timestamp::from_second(updated).ok(),
            mode: mode.map(str::to_owned),
            ..ClusterConnection::default()
        }
    }

    fn of_connections(items: Vec<ClusterConnection>) -> ServerFacts {
        let total = items.len() as u64;
        ServerFacts {
            session: ServerSession::LoggedIn,
            connections: Seen::Known(Connections { items, total }),
            ..ServerFacts::default()
        }
    }

    #[test]
    fn nothing_is_reported_if_no_server_was_asked() {
        let expect = Expectation::default();
        assert_eq!(answers(&RuleContext::new(&Facts::default(), &expect)), None);
    }

    #[test]
    fn newest_connected_connection_to_this_cluster_is_ours() {
        let other = ClusterConnection { cluster_id: Some("b".into()), ..connection("other", "connected", 9, None) };
        let items = vec![
            connection("old", "connected", 1, None),
            connection("new", "connected", 2, None),
            connection("lost", "disconnected", 3, None),
            other,
        ];
        let answers = answers_of(of_connections(items), Seen::NotLooked);
        assert_eq!(answers.connection.map(|connection| connection.connection_id).as_deref(), Some("new"));
        assert_eq!(answers.connections, Some(4));
    }

    #[test]
    fn mode_of_the_connection_overrides_that_of_the_deployment() {
        let deployment = serde_json::json!({
            "metadata": { "name": "meshery" },
            "spec": {
                "selector": {},
                "template": { "spec": { "containers": [{
                    "name": "meshery",
                    "env": [{ "name": "MESHSYNC_DEFAULT_DEPLOYMENT_MODE", "value": "embedded" }],
                }] } },
            },
        });
        let deployment: Deployment = serde_json::from_value(deployment).expect("a Deployment");
        for (mode, value, from) in [(Some("operator"), "operator", "connection"), (None, "embedded", "deployment")] {
            let server = of_connections(vec![connection("ours", "connected", 1, mode)]);
            let answers = answers_of(server, Seen::Known(vec![deployment.clone()]));
            let mode = answers.mode.expect("a mode");
            assert_eq!((mode.value.as_str(), mode.from), (value, from));
        }
        let server = of_connections(vec![connection("ours", "connected", 1, None)]);
        assert_eq!(answers_of(server, Seen::NotLooked).mode, None);
    }

    fn link(generation: ApiGeneration, said: &str, diagnostics: Vec<Diagnostic>) -> Option<(bool, Option<String>)> {
        let view = ControllerView { controller: Controlled::Broker, said: said.into(), version: None };
        let server = ServerFacts {
            generation: Seen::Known(generation),
            controllers: Seen::Known(vec![view]),
            diagnostics: Seen::Known(diagnostics),
            ..of_connections(Vec::new())
        };
        answers_of(server, Seen::NotLooked).broker_link.map(|link| (link.connected, link.endpoint))
    }

    #[test]
    fn broker_link_is_what_the_server_says_unless_its_generation_cannot_know() {
        let newest = |said| link(ApiGeneration::Controllers, said, Vec::new());
        assert_eq!(newest("CONNECTED nats://a:4222"), Some((true, Some("nats://a:4222".into()))));
        assert_eq!(newest("DEPLOYED"), Some((false, None)));
        assert_eq!(newest("UNKOWN"), None);
        assert_eq!(link(ApiGeneration::Graphql, "Deployed", Vec::new()), None);
        assert_eq!(link(ApiGeneration::Graphql, "Connected", Vec::new()), Some((true, None)));
        let unreachable =
            Diagnostic { code: "broker_unreachable".into(), endpoint: Some("b:4222".into()), ..Diagnostic::default() };
        assert_eq!(
            link(ApiGeneration::Controllers, "CONNECTED", vec![unreachable]),
            Some((false, Some("b:4222".into())))
        );
    }

    #[test]
    fn kind_that_a_complete_list_lacks_is_not_stored() {
        let served = [("Node", 3), ("Pod", 2), ("DaemonSet", 0)];
        let served: BTreeMap<_, _> = served.map(|(kind, n)| (kind.to_owned(), Seen::Known(n))).into();
        let stored = |every_kind| {
            let data = StoredData { kinds: [("Pod".to_owned(), 1)].into(), every_kind, ..StoredData::default() };
            let server = ServerFacts { data: Seen::Known(data), served: served.clone(), ..of_connections(Vec::new()) };
            let data = answers_of(server, Seen::NotLooked).data.expect("data");
            data.kinds.iter().map(|kind| (kind.kind.clone(), kind.stored, kind.served)).collect::<Vec<_>>()
        };
        assert_eq!(stored(false), [("Pod".to_owned(), 1, Some(2))]);
        assert_eq!(stored(true), [("Node".to_owned(), 0, Some(3)), ("Pod".to_owned(), 1, Some(2))]);
    }

    #[test]
    fn only_what_was_asked_and_failed_is_unknown() {
        let server = ServerFacts {
            version: Seen::failed("no answer"),
            diagnostics: Seen::Absent,
            data: Seen::NotLooked,
            ..of_connections(Vec::new())
        };
        let answers = answers_of(server, Seen::NotLooked);
        let parts: Vec<&str> = answers.unknown.iter().map(|unknown| unknown.part).collect();
        assert_eq!(parts, ["release"]);
        assert_eq!(answers.why_unknown("release"), Some("no answer"));
    }
}
