//! The server's connections to clusters, its view of the controllers, its diagnostics and its events.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Listed,
    fields::{Fields, Wanted},
    items, parse,
};
use crate::{
    facts::server::{ClusterConnection, Controlled, ControllerView, Diagnostic, ServerEvent},
    stack::base::{
        failure::{Failure, Kind},
        limits,
    },
};

struct ConnectionFields;

impl Wanted for ConnectionFields {
    const PATHS: &'static [&'static str] = &[
        "id",
        "name",
        "kind",
        "status",
        "updated_at",
        "updatedAt",
        "metadata.id",
        "metadata.name",
        "metadata.server",
        "metadata.kubernetes_server_id",
        "metadata.kubernetesServerId",
        "metadata.meshsync_deployment_mode",
        "metadata.meshsyncDeploymentMode",
        "metadata.controllers_config.operator.deploymentMode",
    ];
}

/// One page of the connections.
pub(in crate::observe::server) struct ListedConnections {
    /// Those to clusters.
    pub(in crate::observe::server) items: Vec<ClusterConnection>,
    /// The number of all items of the page.
    pub(in crate::observe::server) listed: u64,
    /// The number on all pages, as the server counts.
    pub(in crate::observe::server) total: u64,
}

/// The stored connections to clusters.
pub(in crate::observe::server) fn connections(text: &str) -> Result<ListedConnections, Failure> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Page {
        connections: Listed<Fields<ConnectionFields>, { limits::SERVER_CONNECTION_ITEMS }>,
        total_count: Option<serde_json::Number>,
        #[serde(rename = "totalCount")]
        total: Option<serde_json::Number>,
    }
    let page: Page = parse(text)?;
    if page.connections.is_none() && page.total_count.is_none() && page.total.is_none() {
        return Err(Failure::new(Kind::Malformed, "its answer contains no connections"));
    }
    let (items, listed) = items(page.connections);
    let counted = page.total_count.or(page.total).and_then(|total| total.as_u64());
    let is_cluster = |item: &Fields<ConnectionFields>| item.text(&["kind"]).is_none_or(|kind| kind == "kubernetes");
    let others = items.iter().filter(|item| !is_cluster(item)).count() as u64;
    let items: Vec<_> = items.iter().filter(|item| is_cluster(item)).filter_map(connection).collect();
    Ok(ListedConnections { items, listed, total: counted.unwrap_or(listed).max(listed).saturating_sub(others) })
}

fn connection(item: &Fields<ConnectionFields>) -> Option<ClusterConnection> {
    let mode = item.text(&[
        "metadata.meshsync_deployment_mode",
        "metadata.meshsyncDeploymentMode",
        "metadata.controllers_config.operator.deploymentMode",
    ]);
    Some(ClusterConnection {
        id: item.id(&["id"])?,
        context_id: item.id(&["metadata.id"]),
        cluster_id: item.id(&["metadata.kubernetes_server_id", "metadata.kubernetesServerId"]),
        name: item.text(&["name", "metadata.name"]).unwrap_or_default(),
        status: item.text(&["status"]).unwrap_or_default(),
        api_server: item.text(&["metadata.server"]),
        mode: mode.map(|mode| mode.to_ascii_lowercase()),
        updated: item.time(&["updated_at", "updatedAt"]),
    })
}

struct ContextFields;

impl Wanted for ContextFields {
    // Beside these are the credentials of the user's kubeconfig.
    const PATHS: &'static [&'static str] =
        &["id", "connection_id", "connectionId", "kubernetes_server_id", "kubernetesServerId"];
}

/// The context and the cluster of each connection, by its ID, of the list of contexts. The contexts contain credentials,
/// which are not read.
pub(in crate::observe::server) fn context_ids(text: &str) -> Result<BTreeMap<String, (String, String)>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        contexts: Listed<Fields<ContextFields>, { limits::SERVER_CONNECTION_ITEMS }>,
    }
    let page: Page = parse(text)?;
    let (items, _) = items(page.contexts);
    let ids = items.iter().filter_map(|item| {
        let context = item.id(&["id"])?;
        // With the local provider, the ID of the connection is that of the context, written as a UUID.
        let connection = item.id(&["connection_id", "connectionId"]).unwrap_or_else(|| as_uuid(&context));
        Some((connection, (context, item.id(&["kubernetes_server_id", "kubernetesServerId"])?)))
    });
    Ok(ids.collect())
}

/// 32 digits as a UUID: in groups of 8, 4, 4, 4 and 12.
pub(super) fn as_uuid(id: &str) -> String {
    if id.len() != 32 || !id.is_ascii() {
        return id.to_owned();
    }
    [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
}

struct PingFields;

impl Wanted for PingFields {
    const PATHS: &'static [&'static str] = &["server_version", "serverVersion"];
}

/// The version that the cluster told the server.
pub(in crate::observe::server) fn kubernetes_version(text: &str) -> Result<String, Failure> {
    let ping: Fields<PingFields> = parse(text)?;
    ping.text(PingFields::PATHS).ok_or_else(|| Failure::new(Kind::Malformed, "its answer contains no version"))
}

struct StatusFields;

impl Wanted for StatusFields {
    const PATHS: &'static [&'static str] =
        &["connectionId", "connectionID", "connection_id", "controller", "name", "status", "version"];
}

impl Fields<StatusFields> {
    fn view(&self, controller: Option<Controlled>) -> Option<ControllerView> {
        let named = || controlled(&self.text(&["controller", "name"])?);
        Some(ControllerView {
            controller: controller.or_else(named)?,
            said: self.text(&["status"])?,
            version: self.text(&["version"]),
        })
    }
}

/// The controller with this name: `OPERATOR`, `MeshSync`, `MesheryBroker`.
fn controlled(name: &str) -> Option<Controlled> {
    let name = name.to_ascii_lowercase();
    let known = [
        ("operator", Controlled::Operator),
        ("broker", Controlled::Broker),
        ("nats", Controlled::Broker),
        ("meshsync", Controlled::Meshsync),
    ];
    known.iter().find(|(word, _)| name.contains(word)).map(|(_, controller)| *controller)
}

/// The status of one controller.
pub(in crate::observe::server) fn status(text: &str, controller: Controlled) -> Result<ControllerView, Failure> {
    let status: Fields<StatusFields> = parse(text)?;
    status.view(Some(controller)).ok_or_else(|| Failure::new(Kind::Malformed, "its answer contains no status"))
}

/// The states in the first event of the stream: `data: [{…}]`. Those of other connections are skipped.
pub(in crate::observe::server) fn stream(text: &str, connection: &str) -> Result<Vec<ControllerView>, Failure> {
    let lines = text.lines().map_while(|line| (!line.trim_end().is_empty()).then_some(line));
    let data: Vec<&str> = lines.filter_map(|line| line.strip_prefix("data:")).collect();
    if data.is_empty() {
        return Err(Failure::new(Kind::Malformed, "the first event of its stream contains no data"));
    }
    let rows: Listed<Fields<StatusFields>, 100> = parse(&data.join("\n"))?;
    let (rows, _) = items(rows);
    let is_ours = |row: &Fields<StatusFields>| {
        row.text(&["connectionId", "connectionID", "connection_id"]).is_none_or(|id| id == connection)
    };
    let mut views: Vec<ControllerView> =
        rows.iter().filter(|row| is_ours(row)).filter_map(|row| row.view(None)).collect();
    views.sort_by_key(|view| view.controller);
    views.dedup_by_key(|view| view.controller);
    Ok(views)
}

struct GraphqlFields;

impl Wanted for GraphqlFields {
    const PATHS: &'static [&'static str] = &[
        "data.m.status",
        "data.m.version",
        "data.b.status",
        "data.b.version",
        "data.o.status",
        "data.o.version",
        "errors.message",
    ];
}

/// The states in the answer of GraphQL. An error inside the server is an answer with the status 200.
pub(in crate::observe::server) fn graphql(text: &str) -> Result<Vec<ControllerView>, Failure> {
    let answer: Fields<GraphqlFields> = parse(text)?;
    let of = |controller, alias: &str| {
        Some(ControllerView {
            controller,
            said: answer.text(&[&format!("data.{alias}.status")])?,
            version: answer.text(&[&format!("data.{alias}.version")]),
        })
    };
    let views = [of(Controlled::Operator, "o"), of(Controlled::Broker, "b"), of(Controlled::Meshsync, "m")];
    let views: Vec<ControllerView> = views.into_iter().flatten().collect();
    match answer.text(&["errors.message"]) {
        Some(error) if views.is_empty() => {
            Err(Failure::new(Kind::ServerError, format!("it answered the query with an error: {error}")))
        }
        _ => Ok(views),
    }
}

struct DiagnosticFields;

impl Wanted for DiagnosticFields {
    const PATHS: &'static [&'static str] =
        &["severity", "code", "controller", "summary", "description", "remediation", "endpoint"];
}

/// What the server says is wrong.
pub(in crate::observe::server) fn diagnostics(text: &str) -> Result<Vec<Diagnostic>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        diagnostics: Listed<Fields<DiagnosticFields>, { limits::SERVER_STATEMENTS }>,
        #[serde(default)]
        healthy: Option<bool>,
    }
    let page: Page = parse(text)?;
    if page.diagnostics.is_none() && page.healthy.is_none() {
        return Err(Failure::new(Kind::Malformed, "its answer contains no diagnostics"));
    }
    let (items, _) = items(page.diagnostics);
    let one = |item: &Fields<DiagnosticFields>| Diagnostic {
        severity: item.text(&["severity"]).unwrap_or_default().to_ascii_lowercase(),
        code: item.text(&["code"]).unwrap_or_default(),
        controller: item.text(&["controller"]),
        summary: item.text(&["summary"]).unwrap_or_default(),
        description: item.text(&["description"]),
        remediation: item.all("remediation").map(str::to_owned).collect(),
        endpoint: item.text(&["endpoint"]),
    };
    Ok(items.iter().map(one).collect())
}

struct EventFields;

impl Wanted for EventFields {
    // The metadata of an event may contain parts of a kubeconfig.
    const PATHS: &'static [&'static str] =
        &["created_at", "createdAt", "severity", "category", "action", "description"];
}

/// The newest events, newest first.
pub(in crate::observe::server) fn events(text: &str) -> Result<Vec<ServerEvent>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        events: Listed<Fields<EventFields>, { limits::SERVER_STATEMENTS }>,
    }
    let page: Page = parse(text)?;
    let (items, _) = items(page.events);
    let one = |item: &Fields<EventFields>| ServerEvent {
        created: item.time(&["created_at", "createdAt"]),
        severity: item.text(&["severity"]).unwrap_or_default(),
        category: item.text(&["category"]).unwrap_or_default(),
        action: item.text(&["action"]).unwrap_or_default(),
        description: item.text(&["description"]).unwrap_or_default(),
    };
    let mut events: Vec<ServerEvent> = items.iter().map(one).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.created));
    Ok(events)
}
