//! Facts about Meshery Server, as it answered. Nothing here is judged.
//!
//! Texts of the server are redacted and cut where they are read. Its token is never a fact.

pub mod config;
mod data;
mod test;
mod view;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    config::ConfigField,
    data::{Adapter, StoredData, Tables},
    test::{AdapterTest, MesheryServerTest},
    view::{ClusterConnection, ConnectionPing, Connections, Controlled, ControllerView, Diagnostic, ServerEvent},
};
use crate::{report::State, stack::base::seen::Seen};

/// What Meshery Server answered. Every part may be unknown, because each has its own request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerFacts {
    /// Its origin: `https://meshery.example:9081`. For a port-forward: `pod/NAME:PORT`.
    pub address: String,
    /// How it was chosen.
    pub named_by: NamedBy,
    /// The context of `mesheryctl` that named it or supplied the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The route to it.
    pub route: ServerRoute,
    /// Why nothing that Meshery Server sends was received. `None` if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<Unreachable>,
    /// Whether it accepted us.
    pub session: ServerSession,
    /// The token that was sent, but never its value. `None` if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SentToken>,
    /// Why a token that the user has was not sent, as a clause: `its context "prod" is for https://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_withheld: Option<String>,
    /// The provider of the session, as its cookie names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The providers that it offers, by name; whether each is remote.
    pub providers: Seen<BTreeMap<String, bool>>,
    /// Its release.
    pub version: Seen<ServerRelease>,
    /// The generation of its API about controllers. Absent if it has none that is known.
    pub generation: Seen<ApiGeneration>,
    /// Its stored connections to clusters.
    pub connections: Seen<Connections>,
    /// Whether its connection to this cluster works: the Kubernetes version that it was told.
    pub ping: Seen<String>,
    /// The HTTP status of a ping that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_status: Option<u16>,
    /// Whether single connections work, by their ID. Requested only where it is asked about them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pings: BTreeMap<String, ConnectionPing>,
    /// Its view of the controllers in this cluster.
    pub controllers: Seen<Vec<ControllerView>>,
    /// What it says is wrong. Only the newest generation has this.
    pub diagnostics: Seen<Vec<Diagnostic>>,
    /// Its newest events, newest first. Requested only by `server status` and `record`.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub events: Seen<Vec<ServerEvent>>,
    /// The configuration of the controllers for this cluster: the fields that are set. Only the newest generation has this.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub config: Seen<Vec<ConfigField>>,
    /// What it stored of this cluster.
    pub data: Seen<StoredData>,
    /// The number of all objects that it stored of single clusters, by their ID. Requested only where it is asked about
    /// them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stored: BTreeMap<String, Seen<u64>>,
    /// The cluster's own number of objects, by kind, for the same kinds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<String, Seen<u64>>,
    /// The tables of its database. Requested if its data could not be read.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub tables: Seen<Tables>,
    /// Its adapters.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub adapters: Seen<Vec<Adapter>>,
    /// How long each request took, in microseconds, by topic.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub micros: BTreeMap<String, u64>,
}

impl ServerFacts {
    /// Whether it accepted us, so that its other answers count.
    pub fn has_session(&self) -> bool {
        matches!(self.session, ServerSession::LoggedIn | ServerSession::Local)
    }

    /// Its stored connection to the cluster with this ID: the newest one that is connected, otherwise the newest.
    pub fn connection_to<'a>(&'a self, cluster_id: &'a str) -> Option<&'a ClusterConnection> {
        let mut of_cluster: Vec<_> = self.connections_to(cluster_id).collect();
        of_cluster.sort_by_key(|connection| (connection.is_connected(), connection.updated));
        of_cluster.pop()
    }

    /// Whether it works with its connection to this cluster: it knows the state of a controller. After a restart it does so
    /// only after somebody has used it. `None` if that is not known.
    pub fn is_active(&self) -> Option<bool> {
        if self.diagnostics.items().iter().any(|diagnostic| diagnostic.code == "connection_inactive") {
            return Some(false);
        }
        let controllers = self.controllers.known()?;
        Some(controllers.iter().any(|view| view.state() != State::Unknown))
    }

    /// All its stored connections to the cluster with this ID.
    pub fn connections_to<'a>(&'a self, cluster_id: &'a str) -> impl Iterator<Item = &'a ClusterConnection> {
        let known = self.connections.known();
        let items = known.into_iter().flat_map(|connections| &connections.items);
        items.filter(move |connection| connection.cluster_id.as_deref() == Some(cluster_id))
    }
}

/// How the server was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamedBy {
    /// With `--meshery-server`.
    Flag,
    /// With the environment variable `MESHERY_SERVER`.
    Environment,
    /// With `--meshery-context`: it is the endpoint of that context.
    Context,
    /// Nobody named it. Its Service is in the cluster.
    #[default]
    Service,
}

/// The route to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerRoute {
    /// Its address.
    #[default]
    Direct,
    /// A port-forward through the API server to one of its pods.
    PortForward,
}

/// Why nothing that Meshery Server sends was received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Unreachable {
    /// The step that failed.
    pub step: ReachStep,
    /// Why, as a sentence.
    pub message: String,
    /// The permissions whose absence prevented a port-forward.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<crate::stack::base::permission::Permission>,
}

/// The steps to the server, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReachStep {
    /// The flag, the variable or the file that names it cannot be used.
    Configuration,
    /// The host name.
    Resolve,
    /// The TCP connection.
    Connect,
    /// The port-forward.
    PortForward,
    /// The TLS handshake.
    Tls,
    /// A response.
    #[default]
    Response,
    /// Something answered, but it is not Meshery Server.
    NotTheServer,
}

/// Whether the server accepted us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServerSession {
    /// It accepted our token.
    LoggedIn,
    /// It accepted us without a token, because its local provider needs none.
    Local,
    /// It wants a login, and no token was sent.
    NoToken,
    /// It did not accept our token, which has expired.
    Expired,
    /// It did not accept our token, or cannot reach the provider. Where it redirects to, without a query.
    Rejected(String),
    /// It cannot reach the provider.
    ProviderDown,
    /// There was no usable answer, and why.
    Unknown(String),
    /// It was not asked.
    #[default]
    NotAsked,
}

/// A token that was sent, but never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SentToken {
    /// Where it was read from, as the user would name it.
    pub source: String,
    /// When it expires, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whether it went over a connection without TLS to another host than this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_clear: bool,
}

/// The release of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerRelease {
    /// The version: `v0.8.42`.
    pub build: String,
    /// The newest version. It is missing if the server cannot reach the Internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// Whether the server says that it is outdated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<bool>,
    /// The release channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// A generation of the server's API about controllers, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiGeneration {
    /// `/api/system/controllers/…`, since July 2026.
    Controllers,
    /// `/api/system/kubernetes/connections/{id}/operator/status`, in May 2026.
    Connections,
    /// `/api/system/graphql/query`, before.
    Graphql,
}
