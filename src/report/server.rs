//! Meshery Server: its state, and what it answered.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{ComponentReport, State};

/// The state of Meshery Server, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerComponentReport {
    /// The same as for every component.
    #[serde(flatten)]
    pub component: ComponentReport,
    /// What it answered. `None` if it was not asked, because nobody named it and its Service is not in the cluster.
    #[serde(flatten)]
    pub answers: Option<Box<ServerAnswers>>,
}

/// What Meshery Server answered. A part that is not known is missing; [`Self::unknown`] says why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerAnswers {
    /// Its origin, or `pod/NAME:PORT`.
    pub address: String,
    /// How it was chosen: `flag`, `environment`, `context` or `service`.
    pub named_by: &'static str,
    /// The context of `mesheryctl` that named it or supplied the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The route to it: `direct` or `port-forward`.
    pub reached_by: &'static str,
    /// Why it was not reached. `None` if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<ServerUnreachable>,
    /// Whether it accepted us.
    pub session: SessionStatus,
    /// More about a session that was not accepted: where the server redirects to, or why there was no usable answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_reason: Option<String>,
    /// The token that was sent, but never its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenReport>,
    /// Why a token that the user has was not sent, as a clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_withheld: Option<String>,
    /// The provider of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Its release, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseReport>,
    /// The generation of its API about controllers: `controllers`, `connections`, `graphql`, or `none` that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<&'static str>,
    /// The mode in which it watches this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ServerModeReport>,
    /// The number of its connections to clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// Its connection to this cluster, under its three IDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionReport>,
    /// The Kubernetes version that it gets through this connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<String>,
    /// Its view of the controllers in this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controllers: Option<Vec<ControllerReport>>,
    /// What it says is wrong. Only the newest generation has this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Vec<DiagnosticReport>>,
    /// Its connection to the broker, as far as somebody shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_link: Option<BrokerLinkReport>,
    /// Its configuration of the controllers for this cluster: the fields that are set. Only the newest generation has this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Vec<ConfigReport>>,
    /// What it stored of this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<StoredReport>,
    /// Its adapters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapters: Option<Vec<AdapterReport>>,
    /// What could not be read, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<UnknownPart>,
    /// Its connections to clusters. `contexts` of the whole document, and here only for it.
    #[serde(skip)]
    pub contexts: Option<Vec<ContextReport>>,
    /// Its newest events, newest first. `events` of the whole document, and here only for the text.
    #[serde(skip)]
    pub events: Option<Vec<ServerEventReport>>,
}

impl ServerAnswers {
    /// Whether it accepted us.
    pub fn has_session(&self) -> bool {
        matches!(self.session, SessionStatus::LoggedIn | SessionStatus::Local)
    }

    /// Why a part is unknown. `None` if it is not.
    pub fn why_unknown(&self, part: &str) -> Option<&str> {
        self.unknown.iter().find(|unknown| unknown.part == part).map(|unknown| unknown.reason.as_str())
    }
}

/// Whether Meshery Server accepted us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionStatus {
    /// It accepted our token.
    LoggedIn,
    /// It accepted us without a token, because its local provider needs none.
    Local,
    /// It wants a login, and no token was sent.
    NoToken,
    /// It did not accept our token, which has expired.
    Expired,
    /// It did not accept our token, or cannot reach the provider.
    Rejected,
    /// It cannot reach the provider.
    ProviderDown,
    /// There was no usable answer.
    Unknown,
    /// It was not asked.
    #[default]
    NotAsked,
}

/// Why Meshery Server was not reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerUnreachable {
    /// The step that failed: `configuration`, `resolve`, `connect`, `port-forward`, `tls`, `response` or
    /// `not-the-server`.
    pub step: &'static str,
    /// Why, as a sentence.
    pub message: String,
}

/// A token that was sent, but never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenReport {
    /// Where it was read from.
    pub source: String,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whether it went over a connection without TLS to another host than this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_clear: bool,
}

/// A release of Meshery Server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseReport {
    /// The version.
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

/// The mode in which Meshery Server watches this cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerModeReport {
    /// `operator` or `embedded`.
    pub value: String,
    /// What sets it: `connection`, or `deployment` for the environment of its Deployment.
    pub from: &'static str,
    /// The setting, as evidence.
    pub evidence: String,
}

/// A stored connection of Meshery Server to this cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReport {
    /// The ID of the Kubernetes context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The ID of the connection.
    pub connection_id: String,
    /// The UID of the namespace `kube-system`.
    pub cluster_id: String,
    /// Its name.
    pub name: String,
    /// `connected`, `discovered`, `registered`, `disconnected`…
    pub status: String,
    /// The API server's address, as the server uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server: Option<String>,
}

/// A Kubernetes context that the server knows: one of its stored connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextReport {
    /// Its name.
    pub name: String,
    /// `connected`, `discovered`, `registered`, `disconnected`…
    pub status: String,
    /// Whether it is a context of this cluster. `None` if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub this_cluster: Option<bool>,
    /// The API server's address, as the server uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server: Option<String>,
    /// The ID of the connection.
    pub connection_id: String,
    /// The ID of the Kubernetes context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The UID of the namespace `kube-system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The mode that the connection asks for: `operator` or `embedded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Whether the server reaches the cluster. Only of `server contexts ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<ContextPing>,
}

/// Whether the server reaches a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextPing {
    /// Whether it does. `None` if there was no usable answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
    /// The Kubernetes version that it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it does not, or why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micros: Option<u64>,
}

/// The server's view of one controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControllerReport {
    /// `operator`, `broker` or `meshsync`.
    pub controller: &'static str,
    /// The state in the server's words.
    pub said: String,
    /// The state that it means.
    pub state: State,
    /// The version that it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One statement of the server's own diagnostics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DiagnosticReport {
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// The server's code.
    pub code: String,
    /// The controller that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// One line.
    pub summary: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the server recommends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remediation: Vec<String>,
    /// The address that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// The server's connection to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BrokerLinkReport {
    /// Whether it is connected.
    pub connected: bool,
    /// Who says so: `server`, or `broker` for its list of clients.
    pub from: &'static str,
    /// The broker's address, as the server uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// One field of the server's configuration of the controllers, in each of its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConfigReport {
    /// Its path: `meshsync.replicas`.
    pub field: String,
    /// The default for every connection of the server.
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    pub general: Option<Value>,
    /// What the connection to this cluster sets for itself.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub own: Option<Value>,
    /// The value that results, as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Value>,
    /// What the object in the cluster has. `None` if it does not set it, or if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// Whether it is known what the object in the cluster has.
    pub compared: bool,
    /// Whether the override differs from it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub differs: bool,
}

/// What the server stored of this cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoredReport {
    /// The number of all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The number of objects by kind.
    pub kinds: Vec<StoredKind>,
}

/// The number of objects of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoredKind {
    /// The kind.
    pub kind: String,
    /// In the server's data.
    pub stored: u64,
    /// In the cluster. Only of kinds that were counted there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<u64>,
}

impl StoredKind {
    /// Whether both numbers are known and differ.
    pub fn differs(&self) -> bool {
        self.served.is_some_and(|served| served != self.stored)
    }
}

/// One adapter of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdapterReport {
    /// Its address as the server knows it.
    pub location: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the server reaches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reachable: Option<bool>,
    /// Whether its port accepts a connection through a port-forward to its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_open: Option<bool>,
}

/// One event of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerEventReport {
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// `error`, `warning`, `informational`…
    pub severity: String,
    /// What it is about.
    pub category: String,
    /// What happened.
    pub action: String,
    /// One line.
    pub description: String,
}

/// A part of the answers that is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnknownPart {
    /// The name of its field.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}
