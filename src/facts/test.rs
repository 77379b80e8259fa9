//! The results of a connectivity test. Times are in microseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    network::NetworkTest,
    server::MesheryServerTest,
    test_result::{Cleanup, Refusal, Step},
};
use crate::stack::base::seen::Seen;

/// What can be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The connection to the API server.
    Kubernetes,
    /// Whether the operator has a leader and reconciles.
    Operator,
    /// Every broker server.
    Broker,
    /// Whether MeshSync answers.
    Meshsync,
    /// The way from a pod like MeshSync's to the broker.
    Network,
    /// Meshery Server: the way to it, its view of this cluster, its data.
    Server,
    /// Whether changes in the cluster arrive from the broker as events.
    #[default]
    Dataflow,
}

impl Subject {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Operator => "operator",
            Self::Broker => "broker",
            Self::Meshsync => "meshsync",
            Self::Network => "network",
            Self::Server => "server",
            Self::Dataflow => "dataflow",
        }
    }
}

/// The results of a test. Only the parts of its subject are present.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Test {
    /// The tested subject.
    pub subject: Subject,
    /// The connection to the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiTest>,
    /// The operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorTest>,
    /// The broker servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerTest>,
    /// `MeshSync`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meshsync: Option<MeshsyncTest>,
    /// The way from a pod to the broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkTest>,
    /// Meshery Server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Box<MesheryServerTest>>,
    /// The event flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowTest>,
}

/// The connection to the API server, step by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiTest {
    /// The addresses of the host name.
    pub resolve: Step,
    /// The TCP connection.
    pub connect: Step,
    /// The TLS handshake.
    pub tls: Step,
    /// The user that the API server authenticated.
    pub authenticate: Step,
    /// Times of the same small request, repeated over one connection.
    pub requests: Vec<u64>,
    /// The number of failed requests.
    pub failed: u64,
}

/// What the operator does without being asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperatorTest {
    /// The time until its Lease was renewed, measured from the start of the watch.
    pub renewal: Step,
}

/// How one broker server handled our messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerTest {
    /// The server.
    pub server_id: String,
    /// Round-trip times to the server itself.
    pub round_trips: Vec<u64>,
    /// Times from publishing to receiving on our own subject.
    pub loops: Vec<u64>,
    /// Why the test stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The answers of `MeshSync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MeshsyncTest {
    /// `/healthz`.
    pub healthz: Step,
    /// `/readyz`.
    pub readyz: Step,
    /// The request for its version.
    pub meta: Step,
}

/// The results of an event flow test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlowTest {
    /// The subject on which events are expected.
    pub subject: String,
    /// The kind of the test object. `None` if none was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ProbeObject>,
    /// Why the test was not started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
    /// The servers that the test subscribed to.
    pub servers: Vec<ServerTest>,
    /// Every change that was made, in order.
    pub changes: Vec<Change>,
    /// The timeout for each change.
    pub wait: u64,
    /// Other subjects on which the test object arrived, if it did not arrive on the expected one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// All events received, by resource.
    #[serde(alias = "heard")]
    pub events: BTreeMap<String, EventCounts>,
    /// The number of messages on the subject that were not events.
    pub malformed: u64,
    /// The number of messages that we dropped because we did not read fast enough.
    pub lost: u64,
    /// `MeshSync`'s answer to the request for its version, which is sent if no event arrives.
    pub meta: Step,
    /// What earlier runs and this one left.
    #[serde(flatten)]
    pub cleanup: Cleanup,
    /// What was received without writing anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passive: Option<Passive>,
    /// The content of `MeshSync`'s store, by resource.
    pub store: Seen<BTreeMap<String, u64>>,
    /// The objects in the API server, by resource. They are counted if the store was requested.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<String, Seen<u64>>,
    /// Whether the test object was also followed until Meshery Server's data showed it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub through_server: bool,
}

/// The test object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeObject {
    /// Its resource, as a watch-list names it.
    pub resource: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// The prefix of each object's name.
    pub name: String,
}

/// Why a test was not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeldBack {
    /// No broker server accepted a subscription, so no event could be received.
    #[serde(rename = "nobodyToHear")]
    NoConnection(String),
    /// Nothing is running that would publish events.
    #[serde(rename = "nobodyToPublish")]
    NoPublisher(String),
    /// `MeshSync` does not publish events of the kind to be changed.
    NotWatched {
        /// The kind.
        kind: String,
        /// The reason.
        why: String,
        /// A kind that would work.
        instead: Option<String>,
    },
    /// The cluster rejected a change.
    Refused(Refusal),
    /// The API server no longer answered, or the time was up.
    CutShort(String),
    /// Meshery Server cannot be asked for the object, and why.
    NoServer(String),
}

/// One change of the test object and its event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    /// The number of the object, starting at 1.
    pub round: u32,
    /// `ADDED`, `MODIFIED`, `DELETED`.
    pub event: String,
    /// Whether the watch-list includes it.
    pub expected: bool,
    /// The time until the API server confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<u64>,
    /// The time until our watch received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<u64>,
    /// The time until it was received from the broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// The server from which it was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// The cluster ID in the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The size of the message, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The time until Meshery Server's data showed the object, or showed it no longer after its deletion.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub stored: Seen<u64>,
    /// How often it was received.
    pub copies: u64,
}

/// The events received for one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventCounts {
    /// Objects created.
    pub added: u64,
    /// Objects changed.
    pub modified: u64,
    /// Objects deleted.
    pub deleted: u64,
    /// How long before the end the last of them arrived.
    pub last: u64,
}

impl EventCounts {
    /// The total number.
    pub fn all(&self) -> u64 {
        self.added + self.modified + self.deleted
    }
}

/// What was received without writing anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Passive {
    /// How long the test listened.
    pub window: u64,
    /// The number of messages that `MeshSync` had published since it connected, before the test.
    pub before: Option<u64>,
    /// The same number after the test.
    pub after: Option<u64>,
}
