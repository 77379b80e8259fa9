//! The two rounds of requests to one server: first what needs nothing else, then what the first answers require.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{join, join_all};
use tokio::time::Instant;

use super::{
    client::{Answer, ServerClient, ServerPod},
    requests::View,
    route::Failed,
    session::{self, Sent},
};
use crate::{
    cluster::{
        ask::{ApiClient, ApiError, seen},
        server_access::{ServerChoice, ServerCredential},
    },
    facts::{
        Facts,
        server::{
            ApiGeneration, Connections, Diagnostic, NamedBy, ReachStep, ServerFacts, ServerRoute, ServerSession,
            Unreachable,
        },
        stack,
    },
    observe::count::count,
    stack::{
        base::{
            failure::{Failure, Kind},
            limits,
            permission::Permission,
            seen::Seen,
        },
        profile::Profile,
        watched_kinds,
    },
};

/// The timeout of the version in a check. A server without a way to the Internet answers late, or never.
const QUICK_VERSION: Duration = Duration::from_secs(1);

/// The timeout of the version otherwise.
const VERSION: Duration = Duration::from_secs(8);

/// The resources that are counted in a check. Few of them change often.
const COUNTED: [&str; 6] = [
    "namespaces.v1.",
    "nodes.v1.",
    "services.v1.",
    "deployments.v1.apps",
    "statefulsets.v1.apps",
    "daemonsets.v1.apps",
];

/// What the cluster's own answers contribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct FromCluster {
    /// The UID of the namespace `kube-system`.
    pub(crate) cluster_id: Option<String>,
    /// The pod of the server's Service.
    pub(crate) pod: Option<ServerPod>,
    /// The resources to count, as watch-lists name them.
    pub(crate) counted: Vec<&'static str>,
}

impl FromCluster {
    /// Takes it from the facts of the first round.
    pub(crate) fn of(facts: &Facts, whole: bool) -> Self {
        let profile = facts.profile;
        let watched =
            stack::meshsyncs(facts).items().first().map(|meshsync| meshsync.watch_list(profile).effective(profile));
        let is_watched = |resource: &&str| watched.as_ref().is_none_or(|all| all.iter().any(|one| one == resource));
        let all: &[&'static str] = if whole { &watched_kinds::RESOURCES } else { &COUNTED };
        Self {
            cluster_id: facts.cluster_id.known().filter(|id| !id.is_empty()).cloned(),
            pod: pod(facts),
            counted: all.iter().copied().filter(is_watched).collect(),
        }
    }
}

/// A ready pod of the server, with the port of its container to which the Service leads. `None` if the cluster has no such
/// Service or no such pod.
pub(crate) fn pod(facts: &Facts) -> Option<ServerPod> {
    let service = stack::server_service(facts)?;
    let pod = stack::server_pods(facts).into_iter().find(|pod| {
        pod.metadata.deletion_timestamp.is_none()
            && stack::pod_condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
    })?;
    let wanted = i32::from(facts.profile.server.port);
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let port = ports.iter().find(|port| port.port == wanted).or_else(|| ports.first());
    Some(ServerPod {
        namespace: facts.target.namespace.clone(),
        pod: stack::name(&pod.metadata).to_owned(),
        port: stack::container_port(pod, port?)?,
    })
}

/// Asks one server.
pub(crate) struct Inquiry<'a> {
    pub(crate) api: &'a ApiClient<'a>,
    /// For port-forwards.
    pub(crate) client: kube::Client,
    pub(crate) profile: &'static Profile,
    pub(crate) choice: &'a ServerChoice,
}

/// The answers of the first round.
struct First {
    user: Result<Answer, Failed>,
    session: ServerSession,
    connections: Seen<Connections>,
    diagnostics: Seen<Vec<Diagnostic>>,
    facts: ServerFacts,
}

impl Inquiry<'_> {
    /// Asks the server that the user named, otherwise the one in the cluster. `None` if there is neither.
    ///
    /// The cluster's part arrives while the first round is under way, and never if the cluster does not answer. Also
    /// returns how long it took from the first request on.
    pub(crate) async fn run(
        &self,
        cluster: impl Future<Output = Option<FromCluster>>,
    ) -> Option<(ServerFacts, Duration)> {
        let started = Instant::now();
        let Some(named) = &self.choice.named else {
            let cluster = cluster.await?;
            let pod = cluster.pod.clone()?;
            let credential = self.choice.for_service.as_ref();
            let started = Instant::now();
            let client = ServerClient::found(self.api, self.client.clone(), self.profile, pod, credential);
            let facts = ServerFacts {
                named_by: NamedBy::Service,
                context: self.choice.context.clone(),
                route: ServerRoute::PortForward,
                ..self.facts(&client, credential)
            };
            let facts = self.ask(&self.limited(client), facts, credential, async { Some(cluster) }).await;
            return Some(self.ended(facts, started));
        };
        let client = ServerClient::named(self.api, self.client.clone(), self.profile, named);
        let Some(client) = client else {
            let message = named.origin.as_ref().err().cloned().unwrap_or_default();
            let unreachable = Unreachable { step: ReachStep::Configuration, message, missing: Vec::new() };
            let facts = ServerFacts {
                named_by: named.by,
                context: named.context.clone(),
                unreachable: Some(unreachable),
                token_withheld: self.choice.withheld.clone(),
                ..ServerFacts::default()
            };
            return Some((facts, Duration::ZERO));
        };
        let credential = named.credential.as_ref();
        let facts = ServerFacts {
            named_by: named.by,
            context: named.context.clone(),
            route: ServerRoute::Direct,
            ..self.facts(&client, credential)
        };
        let facts = self.ask(&self.limited(client), facts, credential, cluster).await;
        Some(self.ended(facts, started))
    }

    /// Whether nothing is left out.
    fn is_full(&self) -> bool {
        self.choice.whole && !self.choice.brief
    }

    /// What is known before the first request.
    fn facts(&self, client: &ServerClient<'_>, credential: Option<&ServerCredential>) -> ServerFacts {
        ServerFacts {
            address: client.address(),
            token: credential.filter(|_| client.sends_token()).and_then(|credential| credential.fact.clone()),
            token_withheld: self.choice.withheld.clone(),
            provider: client.provider().map(str::to_owned),
            ..ServerFacts::default()
        }
    }

    fn limited<'c>(&self, client: ServerClient<'c>) -> ServerClient<'c> {
        if self.choice.whole { client } else { client.limited(limits::SERVER_REQUEST_TIME, limits::SERVER_TIME) }
    }

    fn ended(&self, facts: ServerFacts, started: Instant) -> (ServerFacts, Duration) {
        let took = started.elapsed();
        let (product, millis) = (self.profile.product, took.as_secs_f64() * 1000.0);
        self.api.note(&format!("{product} Server at {}: {millis:.1} ms in all", facts.address));
        (facts, took)
    }

    async fn ask(
        &self,
        client: &ServerClient<'_>,
        facts: ServerFacts,
        credential: Option<&ServerCredential>,
        cluster: impl Future<Output = Option<FromCluster>>,
    ) -> ServerFacts {
        let expires = credential.and_then(|credential| credential.fact.as_ref()?.expires);
        let sent = if client.sends_token() {
            Sent::Token { expired: expires.is_some_and(|expires| expires < self.api.now()) }
        } else {
            Sent::Nothing
        };
        let version = client.version(if self.is_full() { VERSION } else { QUICK_VERSION });
        let rounds = async {
            let started = Instant::now();
            let mut first = self.first(client, facts, sent).await;
            let spent = started.elapsed();
            let cluster = cluster.await.unwrap_or_default();
            if !self.choice.whole {
                // The time in which the cluster answered does not count.
                client.end_within(limits::SERVER_TIME.saturating_sub(spent));
            }
            if matches!(first.session, ServerSession::LoggedIn | ServerSession::Local) {
                Box::pin(self.second(client, &mut first, &cluster)).await;
            } else if first.user.is_ok() {
                first.facts.providers = client.providers().await;
            }
            first
        };
        let (version, first) = join(version, Box::pin(rounds)).await;
        let mut facts = first.facts;
        let has_other_answers = first.connections.known().is_some() || first.diagnostics.known().is_some();
        facts.unreachable =
            session::unreachable(&first.user, &version, has_other_answers || facts.providers.known().is_some());
        facts.version = version;
        facts.session = if facts.unreachable.is_some() { ServerSession::NotAsked } else { first.session };
        facts.connections = first.connections;
        facts.micros = client.micros();
        facts
    }

    async fn first(&self, client: &ServerClient<'_>, facts: ServerFacts, sent: Sent) -> First {
        let (user, connections, diagnostics) =
            tokio::join!(client.user(), client.connections(), client.diagnostics(None));
        let session = session::session(&user, sent);
        First { user, session, connections, diagnostics, facts }
    }

    async fn second(&self, client: &ServerClient<'_>, first: &mut First, cluster: &FromCluster) {
        let (id, facts) = (cluster.cluster_id.as_deref(), &mut first.facts);
        if let (Seen::Known(connections), Some(id)) = (&mut first.connections, id)
            && connections.items.iter().all(|connection| connection.cluster_id.as_deref() != Some(id))
            && connections.items.iter().any(|connection| connection.cluster_id.is_none())
        {
            client.complete(connections).await;
        }
        facts.connections = first.connections.clone();
        let connection = id.and_then(|id| facts.connection_to(id)).cloned();
        let connection = connection.as_ref();
        // Another error than 404 shows that the path is known.
        let is_known = |failure: &Failure| failure.kind == Kind::Other;
        let newest = first.diagnostics.known().is_some() || first.diagnostics.failure().is_some_and(is_known);
        let whole = self.is_full();
        let view = async {
            match (newest, connection, first.diagnostics.failure()) {
                (true, Some(connection), _) => {
                    let (controllers, diagnostics) =
                        join(client.controllers(&connection.id), client.diagnostics(Some(&connection.id))).await;
                    (View { generation: Seen::Known(ApiGeneration::Controllers), controllers }, diagnostics)
                }
                (true, None, _) => {
                    let generation = Seen::Known(ApiGeneration::Controllers);
                    (View { generation, controllers: Seen::NotLooked }, Seen::NotLooked)
                }
                // The path may be there, so that another generation proves nothing.
                (false, _, Some(failure)) => {
                    let view = View { generation: Seen::failed(failure.clone()), controllers: Seen::NotLooked };
                    (view, first.diagnostics.clone())
                }
                (false, connection, None) => (client.older_controllers(connection).await, Seen::Absent),
            }
        };
        let kinds: Vec<&str> = cluster.counted.iter().filter_map(|resource| watched_kinds::kind_of(resource)).collect();
        let data = async {
            let Some(id) = id else { return (Seen::NotLooked, Seen::NotLooked, BTreeMap::new()) };
            let (data, served) = join(client.data(id, newest, &kinds), self.served(client, &cluster.counted)).await;
            let tables = match &data {
                Seen::Unreachable(failure) if !failure.kind.is_transport() => client.tables().await,
                _ => Seen::NotLooked,
            };
            let served = if data.known().is_some() { served } else { BTreeMap::new() };
            (data, tables, served)
        };
        let ping = async {
            match connection {
                Some(connection) => client.ping(&connection.id).await,
                None => (Seen::NotLooked, None),
            }
        };
        let config = async {
            match connection.filter(|_| newest) {
                Some(connection) => client.config(&connection.id).await,
                None => Seen::NotLooked,
            }
        };
        let more = async {
            if whole { join(client.events(), client.adapters()).await } else { (Seen::NotLooked, Seen::NotLooked) }
        };
        let ((view, diagnostics), (data, tables, served), (ping, status), config, (events, adapters)) =
            tokio::join!(view, Box::pin(data), ping, config, Box::pin(more));
        facts.generation = view.generation;
        facts.controllers = view.controllers;
        facts.diagnostics = diagnostics;
        facts.config = config;
        facts.data = data;
        facts.tables = tables;
        facts.served = served;
        facts.ping = ping;
        facts.ping_status = status;
        facts.events = events;
        facts.adapters = adapters;
    }

    /// The cluster's own number of objects by kind. Kinds that we must not list are left out.
    async fn served(&self, client: &ServerClient<'_>, resources: &[&'static str]) -> BTreeMap<String, Seen<u64>> {
        let counts = join_all(resources.iter().map(async |resource| {
            let kind = watched_kinds::kind_of(resource)?;
            let path = watched_kinds::path_of(resource)?;
            let limit = client.remaining();
            let late = || Failure::new(Kind::TimedOut, "the API server did not answer in time");
            let answer = tokio::time::timeout(limit, count(self.api, &path)).await;
            let answer = answer.unwrap_or_else(|_| Err(ApiError::Failed(late())));
            match seen(answer, &Permission::default()) {
                Seen::Known(number) => Some((kind.to_owned(), Seen::Known(number?))),
                Seen::Unreachable(failure) => Some((kind.to_owned(), Seen::Unreachable(failure))),
                _ => None,
            }
        }));
        counts.await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests;
