//! What an ad hoc test measured. Times are in microseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stack::base::{failure::Failure, seen::Seen};

/// What can be tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The way to the API server.
    Kubernetes,
    /// That the operator leads and acts.
    Operator,
    /// Every server of the broker.
    Broker,
    /// That MeshSync answers.
    Meshsync,
    /// That a change of the cluster comes out of the broker.
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
            Self::Dataflow => "dataflow",
        }
    }
}

/// What a test measured; only the parts that its subject has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Test {
    /// What was tested.
    pub subject: Subject,
    /// The way to the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiTest>,
    /// The operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorTest>,
    /// The broker's servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerTest>,
    /// `MeshSync`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meshsync: Option<MeshsyncTest>,
    /// The flow of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowTest>,
}

/// One step of a test that was tried once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// How long it took; or why it did not come to an end.
    pub micros: Seen<u64>,
    /// What came of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Step {
    /// It came to its end after so many microseconds.
    pub fn done(micros: u64, detail: impl Into<String>) -> Self {
        Self { micros: Seen::Known(micros), detail: detail.into() }
    }

    /// It was not tried, for this reason.
    pub fn not_tried(why: impl Into<String>) -> Self {
        Self { micros: Seen::NotLooked, detail: why.into() }
    }

    /// It was tried and did not come to its end, for this reason.
    pub fn failed(why: impl Into<Failure>) -> Self {
        Self { micros: Seen::failed(why), detail: String::new() }
    }
}

/// The way to the API server, step by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiTest {
    /// The name's addresses.
    pub resolve: Step,
    /// The TCP connection.
    pub connect: Step,
    /// The TLS handshake.
    pub tls: Step,
    /// Who the API server says we are.
    pub authenticate: Step,
    /// Times of the same small request again and again, over one connection.
    pub requests: Vec<u64>,
    /// How many of them failed.
    pub failed: u64,
}

/// What the operator does by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperatorTest {
    /// Until its Lease was renewed, from when we began to watch it.
    pub renewal: Step,
}

/// What one broker server did with messages of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerTest {
    /// The server.
    pub server_id: String,
    /// Times from a question to the server's own answer.
    pub round_trips: Vec<u64>,
    /// Times from publishing on a subject of our own to receiving from it.
    pub loops: Vec<u64>,
    /// Why it stopped short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What `MeshSync` answered.
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

/// What a test of the flow of events saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FlowTest {
    /// The subject on which events should come.
    pub subject: String,
    /// The kind of the object that was made; none where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ProbeObject>,
    /// Why nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
    /// The servers that were listened to.
    pub servers: Vec<ServerTest>,
    /// Every change that was made, in order.
    pub changes: Vec<Change>,
    /// How long each change was waited for.
    pub wait: u64,
    /// Other subjects on which our object was seen, when it did not come where it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// All that came, by resource.
    pub heard: BTreeMap<String, Heard>,
    /// How many messages on the subject were no events.
    pub malformed: u64,
    /// Messages that we lost ourselves, since we did not read fast enough.
    pub lost: u64,
    /// `MeshSync`'s answer to the request for its version, asked when nothing came.
    pub meta: Step,
    /// Objects that an earlier run has left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// Why it could not be seen whether there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leftovers_unseen: Option<String>,
    /// Why the object could not be removed again, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_removed: BTreeMap<String, String>,
    /// What was seen without writing anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passive: Option<Passive>,
    /// What `MeshSync`'s store holds, by resource.
    pub store: Seen<BTreeMap<String, u64>>,
    /// What the API server holds, by resource; counted when the store was asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<String, Seen<u64>>,
}

/// The object of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeObject {
    /// Its resource, as a watch-list names it.
    pub resource: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// The beginning of the name of each.
    pub name: String,
}

/// Why nothing was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeldBack {
    /// Nothing would be heard: no broker server let us listen.
    NobodyToHear(String),
    /// There is nobody who would publish.
    NobodyToPublish(String),
    /// What would be changed is not what `MeshSync` publishes.
    NotWatched {
        /// The kind.
        kind: String,
        /// Why.
        why: String,
        /// A kind that would do.
        instead: Option<String>,
    },
    /// The cluster did not take a change.
    Refused(Refusal),
    /// The API server did not answer any more, or the time was over.
    CutShort(String),
}

/// How the API server refused a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Refusal {
    /// Its words.
    pub message: String,
    /// Whether it is that we may not.
    pub denied: bool,
    /// The change; the first of all where it is not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub event: String,
}

/// One change of the object, and what was seen of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Change {
    /// Which object it was, counted from 1.
    pub round: u32,
    /// `ADDED`, `MODIFIED`, `DELETED`.
    pub event: String,
    /// Whether the watch-list has it published.
    pub expected: bool,
    /// Until the API server had made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<u64>,
    /// Until the API server told a watch of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<u64>,
    /// Until it came from the broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// The server that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// The cluster that the message named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The size of the message, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How often it came.
    pub copies: u64,
}

/// What came of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Heard {
    /// Objects made.
    pub added: u64,
    /// Objects changed.
    pub modified: u64,
    /// Objects removed.
    pub deleted: u64,
    /// How long before the end the last of them came.
    pub last: u64,
}

impl Heard {
    /// How many in all.
    pub fn all(&self) -> u64 {
        self.added + self.modified + self.deleted
    }
}

/// An object that an earlier run has left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Leftover {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it is gone now, or why not.
    pub removed: Seen<bool>,
}

/// What was seen without writing anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Passive {
    /// How long we listened.
    pub window: u64,
    /// How many messages `MeshSync` had published before, since it connected.
    pub before: Option<u64>,
    /// How many it had published afterwards.
    pub after: Option<u64>,
}
