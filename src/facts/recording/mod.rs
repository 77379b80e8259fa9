//! Recordings: facts written to a file, and read from one.
//!
//! A recording is a Kubernetes `List` of ordinary objects and one object of our own, kind `Recording`, that holds what
//! no object says: the time, whom we were, what was asked and denied, the access reviews, the broker's answers. A dump
//! made with kubectl, or a folder of them, is a recording without that object.

mod dump;
mod error;
mod input;
mod read;
mod write;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use input::Input;
pub use read::{objects, read, read_text};
pub use write::list;

use crate::{
    facts::{
        BrokerFacts, ConfigMapFact, HelmRevision, MemoryUse, Obstacle, Review, Served, ServerVersion, Target, TokenFact,
    },
    stack::base::seen::Seen,
};

/// The `apiVersion` of everything that is ours.
pub const API_VERSION: &str = "meshdoctor/v1";

/// The object of our own in a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// `meshdoctor/v1`.
    pub api_version: String,
    /// `Recording`.
    pub kind: String,
    /// The version of the tool that wrote it.
    pub tool_version: String,
    /// When the facts were seen.
    pub taken_at: Timestamp,
    /// The profile's name.
    pub profile: String,
    /// Which cluster, and as whom.
    pub target: Target,
    /// Whether the tool ran inside a cluster.
    #[serde(default)]
    pub in_cluster: bool,
    /// Why nothing could be asked at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// The API server's version.
    #[serde(default)]
    pub version: Seen<ServerVersion>,
    /// The cluster's id.
    #[serde(default)]
    pub cluster_id: Seen<String>,
    /// What became of each question; for a known list the number of its objects.
    #[serde(default)]
    pub asked: BTreeMap<String, Seen<usize>>,
    /// Namespaces that hold custom resources when ours does not.
    #[serde(default)]
    pub elsewhere: Seen<Vec<String>>,
    /// The broker's token: that it is there, never what it is.
    #[serde(default)]
    pub token: Seen<TokenFact>,
    /// What Helm has noted of the release that the stack belongs to.
    #[serde(default)]
    pub helm: Seen<Vec<HelmRevision>>,
    /// Answers to access reviews.
    #[serde(default)]
    pub reviews: Seen<Vec<Review>>,
    /// The resources that the API server serves.
    #[serde(default)]
    pub served: Seen<Served>,
    /// A `ConfigMap` that public pages take for the watch-list.
    #[serde(default)]
    pub watch_list_config_map: Seen<ConfigMapFact>,
    /// The broker's answers.
    #[serde(default)]
    pub broker: BrokerFacts,
    /// The memory that `MeshSync` uses.
    #[serde(default)]
    pub memory: Seen<MemoryUse>,
    /// Logs of what is below the state it should be in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<crate::facts::Log>,
    /// What the API server said of what an installation would write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<crate::facts::Preflight>,
    /// What a test measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<crate::facts::Test>,
    /// How long each observation took, in milliseconds.
    #[serde(default)]
    pub timings: BTreeMap<String, u64>,
}
