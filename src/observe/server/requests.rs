//! The requests about single topics, each with the spellings that the server's releases need.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::{join, join_all};
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    client::{Answer, Ask, ServerClient},
    read,
    route::Failed,
};
use crate::{
    facts::server::{
        Adapter, ApiGeneration, ClusterConnection, ConfigField, Connections, Controlled, ControllerView, Diagnostic,
        ServerEvent, ServerRelease, StoredData, Tables,
    },
    stack::base::{
        failure::{Failure, Kind},
        limits,
        seen::Seen,
    },
};

/// The largest page that every release serves. Of a request for all, some serve 10, 25 or 50.
const PAGE: u64 = 50;

/// Characters of a query's value that need no escape.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The states of the controllers in GraphQL. Its argument has two names.
const STATES: &str = "query($c:String!){m:getMeshsyncStatus(ARGUMENT:$c){status version} \
                      b:getNatsStatus(ARGUMENT:$c){status version} \
                      o:getOperatorStatus(ARGUMENT:$c){status version}}";

/// What a request found about the API's generation and the states of the controllers.
pub(crate) struct View {
    /// The generation.
    pub(crate) generation: Seen<ApiGeneration>,
    /// The states.
    pub(crate) controllers: Seen<Vec<ControllerView>>,
}

impl ServerClient<'_> {
    /// Sends a request for JSON, and reads it. A path that the server does not know is absent: it answers with 404, or
    /// with a page of its UI.
    pub(crate) async fn read<T>(&self, ask: &Ask, read: impl FnOnce(&str) -> Result<T, Failure>) -> Seen<T> {
        seen(self.send(ask).await, read)
    }

    /// Who we are for the server.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub(crate) async fn user(&self) -> Result<Answer, Failed> {
        self.send(&Ask::get("session", "/api/user")).await
    }

    /// The release, which the server compares with the newest one in the Internet before it answers.
    pub(crate) async fn version(&self, limit: Duration) -> Seen<ServerRelease> {
        self.read(&Ask::get("version", "/api/system/version").within(limit), read::release).await
    }

    /// The providers, which the server tells without a session.
    pub(crate) async fn providers(&self) -> Seen<BTreeMap<String, bool>> {
        self.read(&Ask::get("providers", "/api/providers"), read::providers).await
    }

    /// The stored connections to clusters, up to the limit.
    pub(crate) async fn connections(&self) -> Seen<Connections> {
        let mut found = Connections::default();
        let mut listed = 0;
        for page in 0..limits::SERVER_CONNECTION_ITEMS as u64 / PAGE {
            let kind = encoded(r#"["kubernetes"]"#);
            let path = format!("/api/integrations/connections?page={page}&pagesize={PAGE}&pageSize={PAGE}&kind={kind}");
            let ask = Ask::get("connections", path).at_most(limits::SERVER_CONNECTIONS);
            match self.read(&ask, read::connections).await {
                Seen::Known(more) => {
                    listed += more.listed;
                    found.total = found.total.max(more.total);
                    found.items.extend(more.items);
                    if more.listed == 0 || listed >= more.total {
                        break;
                    }
                }
                // The connections that are known help, and the total says that some are missing.
                other if page == 0 => return other.map(|_| Connections::default()),
                _ => break,
            }
        }
        found.items.truncate(limits::SERVER_CONNECTION_ITEMS);
        // A server that ignores the page would list the same connections again.
        let mut known = BTreeSet::new();
        found.items.retain(|connection| known.insert(connection.id.clone()));
        Seen::Known(found)
    }

    /// Adds the cluster of each connection that lacks it, from the list of contexts.
    pub(crate) async fn complete(&self, connections: &mut Connections) {
        let path = format!("/api/system/kubernetes/contexts?page=0&pagesize={PAGE}&pageSize={PAGE}");
        let ask = Ask::get("contexts", path).at_most(limits::SERVER_CONNECTIONS);
        let Seen::Known(ids) = self.read(&ask, read::context_ids).await else { return };
        for connection in connections.items.iter_mut().filter(|connection| connection.cluster_id.is_none()) {
            if let Some((context, cluster)) = ids.get(&connection.id) {
                connection.context_id = Some(context.clone());
                connection.cluster_id = Some(cluster.clone());
            }
        }
    }

    /// Whether the server reaches a cluster, and the HTTP status if it does not.
    pub(crate) async fn ping(&self, connection: &str) -> (Seen<String>, Option<u16>) {
        let id = encoded(connection);
        let path = format!("/api/system/kubernetes/ping?connectionId={id}&connection_id={id}");
        let answer = self.send(&Ask::get("ping", path)).await;
        match answer {
            // Here a 404 is about the connection. A page of the UI is not from this request.
            Ok(Answer::Status(status, said)) => (Seen::failed(of_status(status, &said)), Some(status)),
            answer => (seen(answer, read::kubernetes_version), None),
        }
    }

    /// What the server says is wrong. Without a connection, the answer only shows that it can be asked.
    pub(crate) async fn diagnostics(&self, connection: Option<&str>) -> Seen<Vec<Diagnostic>> {
        let path = "/api/system/controllers/diagnostics";
        let path = connection.map_or_else(|| path.to_owned(), |id| format!("{path}?connectionId={}", encoded(id)));
        self.read(&Ask::get("diagnostics", path), read::diagnostics).await
    }

    /// The configuration of the controllers for a connection.
    pub(crate) async fn config(&self, connection: &str) -> Seen<Vec<ConfigField>> {
        let path = format!("/api/integrations/connections/{}/controllers/config", encoded(connection));
        self.read(&Ask::get("config", path), read::config).await
    }

    /// The server's view of the controllers in the newest generation: the first event of a stream, or the single states
    /// if there is no stream.
    pub(crate) async fn controllers(&self, connection: &str) -> Seen<Vec<ControllerView>> {
        let path = format!("/api/system/controllers/status/subscribe?connectionIds={}", encoded(connection));
        let ask = Ask {
            first_event: true,
            ..Ask::get("controllers", path).at_most(limits::SERVER_STREAM_EVENT).within(self.remaining() / 2)
        };
        let streamed = self.read(&ask, |text| read::stream(text, connection)).await;
        if streamed.known().is_some() {
            return streamed;
        }
        let path = |name: &str| format!("/api/system/controllers/{name}/status?connectionId={}", encoded(connection));
        let single = self.each_status(&path, "broker").await;
        // The stream is what the UI uses, so its failure is the more important one.
        if single.known().is_some() || streamed.is_absent() { single } else { streamed }
    }

    /// The states of the three controllers, each of its own path.
    async fn each_status(&self, path: &impl Fn(&str) -> String, broker: &str) -> Seen<Vec<ControllerView>> {
        let names =
            [("operator", Controlled::Operator), (broker, Controlled::Broker), ("meshsync", Controlled::Meshsync)];
        let states = join_all(names.iter().map(async |(name, controller)| {
            self.read(&Ask::get("controllers", path(name)), |text| read::status(text, *controller)).await
        }));
        let mut views = Vec::new();
        let mut failure = None;
        for state in states.await {
            match state {
                Seen::Known(view) => views.push(view),
                other => failure = failure.or(Some(other)),
            }
        }
        match failure {
            Some(failure) if views.is_empty() => failure.map(|_| Vec::new()),
            _ => Seen::Known(views),
        }
    }

    /// The server's view of the controllers in the older generations, and which of them it is. Without a connection only
    /// the generation is asked for.
    pub(crate) async fn older_controllers(&self, connection: Option<&ClusterConnection>) -> View {
        let Some(connection) = connection else {
            let query = serde_json::json!({ "query": "{__typename}" });
            let generation = self.read(&graphql(&query), |_| Ok(ApiGeneration::Graphql)).await;
            return View { generation, controllers: Seen::NotLooked };
        };
        let ask = |argument: &str, id: &str| {
            graphql(&serde_json::json!({ "query": STATES.replace("ARGUMENT", argument), "variables": { "c": id } }))
        };
        let mut answer = self.send(&ask("connectionID", &connection.id)).await;
        if is_of_validation(&answer) {
            // Servers before connections had IDs.
            let id = connection.context_id.as_deref().unwrap_or(&connection.id);
            answer = self.send(&ask("k8scontextID", id)).await;
        }
        // A server without these queries does not know the fields, or not the path.
        let is_absent = is_of_validation(&answer);
        let controllers = if is_absent { Seen::Absent } else { seen(answer, read::graphql) };
        if !controllers.is_absent() {
            let generation = match &controllers {
                Seen::Unreachable(failure) if failure.kind != Kind::ServerError => Seen::failed(failure.clone()),
                _ => Seen::Known(ApiGeneration::Graphql),
            };
            return View { generation, controllers };
        }
        let by_connection =
            |name: &str| format!("/api/system/kubernetes/connections/{}/{name}/status", encoded(&connection.id));
        let mut controllers = self.each_status(&by_connection, "nats").await;
        if controllers.is_absent()
            && let Some(context) = &connection.context_id
        {
            let by_context = |name: &str| format!("/api/system/kubernetes/contexts/{}/{name}/status", encoded(context));
            controllers = self.each_status(&by_context, "nats").await;
        }
        let generation = controllers.as_ref().map(|_| ApiGeneration::Connections);
        View { generation, controllers }
    }

    /// The number of objects that the server stored of a cluster: all, those of one kind, or those whose name contains
    /// `name`.
    pub(crate) async fn stored(&self, cluster: &str, kind: Option<&str>, name: Option<&str>) -> Seen<u64> {
        let mut path = format!(
            "/api/system/meshsync/resources?clusterIds={}&page=0&pagesize=1&pageSize=1",
            encoded(&serde_json::json!([cluster]).to_string())
        );
        for (key, value) in [("kind", kind), ("search", name)] {
            if let Some(value) = value {
                path.push_str(&format!("&{key}={}", encoded(value)));
            }
        }
        self.read(&Ask::get("data", path), read::resource_count).await
    }

    /// What the server stored of a cluster: the numbers by kind in the newest generation, otherwise those of these kinds.
    pub(crate) async fn data(&self, cluster: &str, newest: bool, kinds: &[&str]) -> Seen<StoredData> {
        if !newest {
            return self.data_of_kinds(cluster, kinds).await;
        }
        let path = format!("/api/system/meshsync/resources/summary?clusterId={}", encoded(cluster));
        let ask = Ask::get("data", path).at_most(limits::SERVER_SUMMARY);
        // The summary does not contain objects without a model, so the total is asked for as well.
        let (summary, total) = join(self.read(&ask, read::summary), self.stored(cluster, None, None)).await;
        match (summary, total) {
            (Seen::Absent, _) => self.data_of_kinds(cluster, kinds).await,
            // An error of the database counts even if the other request succeeded.
            (Seen::Unreachable(failure), _) | (_, Seen::Unreachable(failure)) if failure.kind == Kind::ServerError => {
                Seen::Unreachable(failure)
            }
            (Seen::Known(kinds), total) => {
                let counted = kinds.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
                let total = total.known().copied().unwrap_or(counted);
                Seen::Known(StoredData { total: Some(total), kinds, every_kind: true, later: None })
            }
            (_, Seen::Known(total)) => Seen::Known(StoredData { total: Some(total), ..StoredData::default() }),
            (summary, _) => summary.map(|_| StoredData::default()),
        }
    }

    async fn data_of_kinds(&self, cluster: &str, kinds: &[&str]) -> Seen<StoredData> {
        let counts = kinds.iter().map(|kind| self.stored(cluster, Some(kind), None));
        let (total, counts) = join(self.stored(cluster, None, None), join_all(counts)).await;
        let failed = counts.iter().find_map(Seen::failure).filter(|failure| failure.kind == Kind::ServerError);
        match (total, failed) {
            (Seen::Known(_), Some(failure)) => Seen::failed(failure.clone()),
            (total, _) => total.map(|total| StoredData {
                total: Some(total),
                kinds: kinds
                    .iter()
                    .zip(&counts)
                    .filter_map(|(kind, count)| Some(((*kind).to_owned(), *count.known()?)))
                    .collect(),
                ..StoredData::default()
            }),
        }
    }

    /// The tables of the server's database that have objects of clusters.
    pub(crate) async fn tables(&self) -> Seen<Tables> {
        self.every_table().await.map(|mut tables| {
            tables.rows.retain(|name, _| name.starts_with("kubernetes_"));
            tables
        })
    }

    /// All tables of the server's database.
    pub(crate) async fn every_table(&self) -> Seen<Tables> {
        let path = "/api/system/database?page=0&pagesize=100&pageSize=100";
        self.read(&Ask::get("tables", path), read::tables).await
    }

    /// The server's newest events.
    pub(crate) async fn events(&self) -> Seen<Vec<ServerEvent>> {
        let query = "page=0&pagesize=10&pageSize=10&sort=created_at&order=desc";
        let ask = |path: &str| Ask::get("events", format!("{path}?{query}"));
        match self.read(&ask("/api/system/events"), read::events).await {
            Seen::Absent => self.read(&ask("/api/v2/events"), read::events).await,
            events => events,
        }
    }

    /// The adapters that the server knows, and whether it reaches each.
    pub(crate) async fn adapters(&self) -> Seen<Vec<Adapter>> {
        let list = self.read(&Ask::get("adapters", "/api/system/adapters"), read::adapters).await;
        let Seen::Known(mut adapters) = list else { return list };
        let reached = join_all(adapters.iter().map(|adapter| self.reaches(&adapter.location))).await;
        for (adapter, reached) in adapters.iter_mut().zip(reached) {
            adapter.reached_by_server = reached;
        }
        Seen::Known(adapters)
    }

    /// Whether the server reaches an adapter. It does not say so of adapters that the user has never used.
    pub(crate) async fn reaches(&self, location: &str) -> Seen<bool> {
        let path = format!("/api/system/adapters?adapter={}", encoded(location));
        match self.send(&Ask::get("adapters", path)).await {
            Ok(Answer::Json(_) | Answer::Text(_)) => Seen::Known(true),
            Ok(Answer::Status(500, _)) => Seen::Known(false),
            Ok(Answer::Status(400, _)) => Seen::failed(Failure::new(
                Kind::NotSupported,
                "the server answers this only for adapters that its user has used",
            )),
            answer => seen(answer, |_| Ok(true)),
        }
    }
}

/// A query in GraphQL.
fn graphql(query: &serde_json::Value) -> Ask {
    Ask::graphql("controllers", "/api/system/graphql/query", query)
}

/// Whether the server rejected the query itself.
fn is_of_validation(answer: &Result<Answer, Failed>) -> bool {
    matches!(answer, Ok(Answer::Status(422, _)))
        || matches!(answer, Ok(Answer::Status(400, said)) if said.contains("GRAPHQL_VALIDATION_FAILED"))
}

/// What an answer says about what was asked.
fn seen<T>(answer: Result<Answer, Failed>, read: impl FnOnce(&str) -> Result<T, Failure>) -> Seen<T> {
    match answer {
        Ok(Answer::Json(text)) => read(&text).map_or_else(Seen::failed, Seen::Known),
        Ok(Answer::Text(_)) => Seen::failed(Failure::new(Kind::Malformed, "it answered with text instead of JSON")),
        Ok(Answer::Html(status)) if status < 300 || status == 404 => Seen::Absent,
        Ok(Answer::Html(status)) => Seen::failed(of_status(status, "an HTML page")),
        Ok(Answer::Redirect(to)) => Seen::failed(of_redirect(&to)),
        Ok(Answer::Status(404, _)) => Seen::Absent,
        Ok(Answer::Status(status, said)) => Seen::failed(of_status(status, &said)),
        Err(failed) => Seen::failed(failed.failure),
    }
}

/// A redirect, which is what a server without a session answers.
pub(crate) fn of_redirect(to: &str) -> Failure {
    Failure::new(Kind::Unauthorized, format!("it wants a login: it redirects to {to}"))
}

/// A status that is an error, with the server's words.
pub(crate) fn of_status(status: u16, said: &str) -> Failure {
    let kind = match status {
        401 => Kind::Unauthorized,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        429 => Kind::TooManyRequests,
        500.. => Kind::ServerError,
        _ => Kind::Other,
    };
    let said = if said.is_empty() {
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
    } else {
        said
    };
    let separator = if said.is_empty() { "" } else { ": " };
    Failure::new(kind, format!("it returned {status}{separator}{said}"))
}

pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, PLAIN).to_string()
}
