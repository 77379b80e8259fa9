//! What a stand-in is like.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::Writing;
use crate::bed::users;

/// A credential in the server's list of contexts, which it sends in clear. No output may contain it.
pub(crate) const CLUSTER_SECRET: &str = "theCredentialOfTheServersOwnKubeconfig0123456789";

/// Whose server it is. It decides over names only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Meshery,
    Meshplay,
}

impl Product {
    /// The name in lower case.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meshery => "meshery",
            Self::Meshplay => "meshplay",
        }
    }
}

/// The generation of the API about controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// `POST /api/system/graphql/query`, as in September 2024.
    Graphql,
    /// `/api/system/kubernetes/connections/{id}/operator/status`, as in May 2026.
    Connections,
    /// `/api/system/controllers/…`, since July 2026.
    Controllers,
}

impl Generation {
    /// Every generation, oldest first.
    pub(crate) const ALL: [Self; 3] = [Self::Graphql, Self::Connections, Self::Controllers];
}

/// Whom the server accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Everybody who names the local provider.
    Local,
    /// Those with this token of the remote provider.
    Remote(String),
    /// Those with this token, and everybody who names the local provider, who sees no connections.
    Both(String),
    /// Nobody, because it cannot reach the remote provider.
    ProviderDown,
    /// The provider answers with an error: the user is empty.
    ProviderFails,
}

/// What the server answers on a path that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ui {
    /// Its UI is not installed: plain text.
    Absent,
    /// The page "not found" of its UI, with status 404.
    NotFound,
    /// The first page of its UI, with status 200.
    Index,
}

/// A stored connection to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) context_id: String,
    pub(crate) name: String,
    /// The UID of the namespace `kube-system`.
    pub(crate) cluster: String,
    /// The address of the API server.
    pub(crate) server: String,
    pub(crate) status: String,
    pub(crate) updated: String,
    /// The mode in its metadata.
    pub(crate) mode: Option<String>,
    pub(crate) ping: Ping,
    /// Whether only its context is stored.
    pub(crate) context_only: bool,
}

impl Link {
    /// A connection to a cluster with this UID. The number makes its IDs unique.
    pub(crate) fn to(cluster: &str, number: u32) -> Self {
        let id = format!("535bca23-d3bd-af3e-2c7d-d5dc{number:08x}");
        Self {
            context_id: id.replace('-', ""),
            id,
            name: "bed".into(),
            cluster: cluster.into(),
            server: "https://127.0.0.1:45927".into(),
            status: "connected".into(),
            updated: "2026-11-22T20:24:40.394735965Z".into(),
            mode: None,
            ping: Ping::Version("v1.35.4".into()),
            context_only: false,
        }
    }
}

/// How the server reaches the cluster of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ping {
    Version(String),
    /// Its kubeconfig cannot be used.
    KubeconfigInvalid,
    /// The address of the API server refuses the connection.
    Unreachable,
    /// No answer for this long.
    Late(Duration),
}

/// The state of the stored data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// As many objects as [`Setup::counts`] says.
    Counted,
    /// No object of any cluster.
    Empty,
    /// More with every request.
    Growing,
    /// `database disk image is malformed`.
    Malformed,
    /// `no such table: kubernetes_resources`.
    NoTable,
    /// A part of the query failed: `null` instead of the kinds. Before, as [`Self::Malformed`].
    Null,
}

/// How the server reaches an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdapterReply {
    Reached,
    NotReached,
    /// It is not in the user's preferences.
    Unknown,
}

/// When the server's data shows an object that is searched for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// The search, from 1, that finds it first.
    pub(crate) stored: usize,
    /// The search that does not find it anymore.
    pub(crate) removed: usize,
}

/// What a server is like.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(crate) struct Setup {
    pub(crate) product: Product,
    pub(crate) generation: Generation,
    pub(crate) login: Login,
    pub(crate) ui: Ui,
    /// Its version, and whether it is outdated if it can find out.
    pub(crate) build: String,
    pub(crate) outdated: Option<bool>,
    /// How long it looks for the newest version.
    pub(crate) version_takes: Duration,
    /// Whether `/healthz/ready` is fine. The generation of 2024 does not have it.
    pub(crate) ready: bool,
    pub(crate) connections: Vec<Link>,
    /// Whether it has a state machine for its connections. After a restart it has none.
    pub(crate) alive: bool,
    /// The states of operator, broker and MeshSync in capitals; each generation spells them in its own way.
    pub(crate) states: [&'static str; 3],
    /// The newest generation's `diagnostics` of a connection.
    pub(crate) diagnostics: Vec<Value>,
    pub(crate) data: Data,
    /// The number of stored objects by kind, of the cluster of the first connection, or of [`Self::orphaned`].
    pub(crate) counts: BTreeMap<String, u64>,
    /// The cluster whose objects are stored though no connection leads to it.
    pub(crate) orphaned: Option<String>,
    /// Kinds, models and counts are spelled with capitals, as in the first servers with a summary.
    pub(crate) capitals: bool,
    pub(crate) events: Vec<Value>,
    pub(crate) adapters: Vec<(String, AdapterReply)>,
    pub(crate) probe: Option<Probe>,
    /// GraphQL knows the argument as `k8scontextID`, as the first servers did.
    pub(crate) old_argument: bool,
    /// GraphQL fails with an internal error.
    pub(crate) panics: bool,
    /// How it changes.
    pub(crate) writing: Writing,
}

impl Setup {
    /// A server for which everything is fine, with the local provider and a connection to this cluster.
    pub(crate) fn of(generation: Generation, cluster: &str) -> Self {
        let states = match generation {
            // Also where everything is connected: it asks the broker's external address.
            Generation::Graphql => ["DEPLOYED", "DEPLOYED", "RUNNING"],
            _ => ["DEPLOYED", "CONNECTED", "CONNECTED"],
        };
        let counts = [("ConfigMap", 12), ("Deployment", 2), ("Namespace", 5), ("Node", 1), ("Pod", 9), ("Service", 4)];
        Self {
            product: Product::Meshery,
            generation,
            login: Login::Local,
            ui: Ui::Absent,
            build: if generation == Generation::Graphql { "v0.7.109" } else { "v0.8.150" }.into(),
            outdated: Some(false),
            version_takes: Duration::ZERO,
            ready: true,
            connections: vec![Link::to(cluster, 1)],
            alive: true,
            states,
            diagnostics: Vec::new(),
            data: Data::Counted,
            counts: counts.map(|(kind, count)| (kind.to_owned(), count)).into(),
            orphaned: None,
            capitals: generation == Generation::Connections,
            events: Vec::new(),
            adapters: Vec::new(),
            probe: None,
            old_argument: false,
            panics: false,
            writing: Writing::of(generation, cluster),
        }
    }

    /// The name of the provider's cookie.
    pub(crate) fn cookie(&self) -> String {
        format!("{}-provider", self.product.name())
    }

    /// A text of the recorded server, which is Meshplay's, with the names of this one.
    pub(super) fn named(&self, text: &str) -> String {
        let text = text.replace("REDACTED", CLUSTER_SECRET);
        match self.product {
            Product::Meshplay => text,
            Product::Meshery => text.replace("meshplay", "meshery").replace("Meshplay", "Meshery"),
        }
    }

    /// The connection with this ID, or with this ID of its context.
    pub(super) fn link(&self, id: &str) -> Option<&Link> {
        self.connections.iter().find(|link| link.id == id || link.context_id == id)
    }

    /// One of the newest generation's diagnostics.
    pub(crate) fn diagnostic(code: &str) -> Value {
        let (severity, controller, summary) = match code {
            "connection_inactive" => ("info", None, "Connection is not active"),
            "operator_deploy_failed" => ("error", Some("OPERATOR"), "Operator deployment failed"),
            "operator_not_deployed" => ("warning", Some("OPERATOR"), "Operator is not deployed"),
            "broker_unreachable" => ("warning", Some("BROKER"), "Broker is not reachable from the server"),
            "broker_networking" => ("info", Some("BROKER"), "Broker networking: In-cluster (ClusterIP)"),
            other => panic!("no diagnostic {other}"),
        };
        let mut diagnostic = json!({ "severity": severity, "code": code, "summary": summary });
        if let Some(controller) = controller {
            diagnostic["controller"] = controller.into();
        }
        match code {
            "operator_deploy_failed" => {
                diagnostic["description"] = "Failed to resolve the Meshery Operator chart version".into();
            }
            "broker_unreachable" => {
                diagnostic["endpoint"] = "nats://127.64.0.9:4222".into();
                diagnostic["remediation"] = json!(["Check the endpoint.", "Check the network.", "Reconnect."]);
            }
            _ => (),
        }
        diagnostic
    }

    /// An event that went well, an error or a warning, in the spelling of this generation.
    pub(crate) fn event(&self, severity: &str, description: &str) -> Value {
        let created = if self.generation == Generation::Graphql { "created_at" } else { "createdAt" };
        json!({
            "id": "f928575e-f045-45f4-802f-c595302bda00", "severity": severity, "category": "connection",
            "action": "update", "description": description, created: "2026-11-22T20:24:40.387485235Z",
            "metadata": { "kubeconfig": { "user": { "token": CLUSTER_SECRET } } },
        })
    }
}

/// A token as the remote provider issues it, which does not expire for a long time. It contains this text.
pub(crate) fn token(secret: &str) -> String {
    encoded(secret, 4_102_444_800, "2100-01-01T00:00:00Z")
}

/// A token that expired in 2021.
pub(crate) fn expired_token(secret: &str) -> String {
    encoded(secret, 1_630_134_764, "2021-08-28T07:12:44.896604896Z")
}

fn encoded(secret: &str, seconds: u64, expiry: &str) -> String {
    let part = |json: &Value| base64(&json.to_string()).replace('+', "-").replace('/', "_");
    let jwt = format!(
        "{}.{}.{secret}",
        part(&json!({ "alg": "RS256", "typ": "JWT" })),
        part(&json!({ "sub": "somebody", "exp": seconds }))
    );
    base64(
        &json!({
            "access_token": jwt, "token_type": "bearer", "refresh_token": format!("refresh-{secret}"), "expiry": expiry,
        })
        .to_string(),
    )
}

/// The standard alphabet without padding.
fn base64(text: &str) -> String {
    users::base64(text).trim_end_matches('=').to_owned()
}
