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
        BrokerFacts, ConfigMapFact, HelmRevision, MemoryUse, Obstacle, Review, Served,
        ServerVersion, Target, TokenFact,
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

/// The kinds that a recording holds as ordinary objects, by the name of the question that lists them.
pub mod kinds {
    /// Name of the question, `apiVersion`, kind.
    pub type Kind = (&'static str, &'static str, &'static str);

    /// The namespace itself.
    pub const NAMESPACE: Kind = ("namespace", "v1", "Namespace");
    /// CRDs.
    pub const CRDS: Kind = (
        "customresourcedefinitions",
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
    );
    /// Deployments.
    pub const DEPLOYMENTS: Kind = ("deployments", "apps/v1", "Deployment");
    /// Stateful sets.
    pub const STATEFULSETS: Kind = ("statefulsets", "apps/v1", "StatefulSet");
    /// Replica sets.
    pub const REPLICASETS: Kind = ("replicasets", "apps/v1", "ReplicaSet");
    /// Pods.
    pub const PODS: Kind = ("pods", "v1", "Pod");
    /// Services.
    pub const SERVICES: Kind = ("services", "v1", "Service");
    /// Endpoint slices.
    pub const ENDPOINTSLICES: Kind = ("endpointslices", "discovery.k8s.io/v1", "EndpointSlice");
    /// Network policies.
    pub const NETWORKPOLICIES: Kind = ("networkpolicies", "networking.k8s.io/v1", "NetworkPolicy");
    /// Events.
    pub const EVENTS: Kind = ("events", "v1", "Event");
    /// The leader election lease.
    pub const LEASE: Kind = ("leases", "coordination.k8s.io/v1", "Lease");
    /// Cluster roles.
    pub const CLUSTER_ROLES: Kind = (
        "clusterroles",
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
    );
    /// Cluster role bindings.
    pub const CLUSTER_ROLE_BINDINGS: Kind = (
        "clusterrolebindings",
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
    );
    /// Roles.
    pub const ROLES: Kind = ("roles", "rbac.authorization.k8s.io/v1", "Role");
    /// Role bindings.
    pub const ROLE_BINDINGS: Kind = (
        "rolebindings",
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
    );
    /// Config maps, in dumps only: a recording of ours holds none.
    pub const CONFIG_MAPS: Kind = ("configmaps", "v1", "ConfigMap");
    /// Secrets, in dumps only: a recording of ours holds none.
    pub const SECRETS: Kind = ("secrets", "v1", "Secret");
}
