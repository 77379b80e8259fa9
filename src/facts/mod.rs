//! Facts: what was observed at one moment, without judgment.
//!
//! Plain data. Workloads are Kubernetes' own types, reduced by `redact`. Custom resources are our own types, which
//! tolerate malformed objects. Everything that may be unknown is a [`Seen`].

mod broker;
mod cni_policy;
mod custom_resources;
mod depth;
pub mod difference;
pub mod dry_run;
mod elsewhere;
pub mod hub;
pub mod log_lines;
pub mod network;
pub mod network_pod;
mod node;
pub mod observed;
pub mod permissions;
pub(crate) mod preflight;
mod probe;
pub mod recording;
pub mod redact;
pub mod server;
pub mod stack;
mod test;
pub mod test_object;
mod test_result;
mod test_step;
pub(crate) mod token;
pub mod watch_list;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        coordination::v1::Lease,
        core::v1::{ConfigMap, Event, Namespace, Pod, Service},
        discovery::v1::EndpointSlice,
        networking::v1::NetworkPolicy,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use serde::{Deserialize, Serialize};

pub use self::stack::destination;
pub use self::{
    preflight::{Answer, DryRun, Effect, Node, Preflight, ReviewedPermission},
    probe::{FailureKind, FailureReason, Handshake, NotTried, ProbeFailure},
    test::{
        ApiTest, Change, EventCounts, FlowTest, HeldBack, MeshsyncTest, OperatorTest, Passive, ProbeObject, ServerTest,
        Subject, Test,
    },
    test_result::{Cleanup, Leftover, Refusal, Step},
    test_step::TestStep,
};
use crate::stack::{
    base::{invocation::Invocation, permission::Permission, seen::Seen},
    profile::Profile,
};
pub use broker::{Attempt, BrokerFacts, BrokerServer, ClosedConnection, Connection, Greeting, Varz};
pub use cni_policy::CniPolicy;
pub use custom_resources::{
    Broker, BrokerRef, BrokerService, BrokerSpec, BrokerStatus, Condition, Crd, CrdConversion, CrdNames, CrdSchema,
    CrdSpec, CrdStatus, CrdVersion, CustomBroker, CustomResource, Endpoint, Fields, Meshsync, MeshsyncSpec,
    MeshsyncStatus, NativeBroker,
};
pub use depth::Depth;
pub use elsewhere::Elsewhere;
pub use node::NodeReadiness;

/// Everything that was observed of one cluster. The default is nothing, for Meshery's stack.
///
/// The fields that contain unchanged Kubernetes objects have a row in [`observed`]. All others are written to a
/// recording, in this order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// When it was observed.
    #[serde(skip_deserializing)]
    pub taken_at: Timestamp,
    /// Whether that time was derived from the objects, as for a plain dump.
    #[serde(skip)]
    pub taken_at_estimated: bool,
    /// The constants of the family of stacks.
    #[serde(skip_deserializing)]
    pub profile: &'static Profile,
    /// The cluster and the user.
    #[serde(skip_deserializing)]
    pub target: Target,
    /// Whether we ran inside a cluster.
    pub in_cluster: bool,
    /// Why nothing could be queried at all. `None` if the cluster was reachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// The API server's version.
    pub version: Seen<ServerVersion>,
    /// The namespace of the stack.
    #[serde(skip)]
    pub namespace: Seen<Namespace>,
    /// The UID of the namespace `kube-system`, which Meshery uses as the cluster ID.
    pub cluster_id: Seen<String>,
    /// The Broker CRD.
    #[serde(skip)]
    pub broker_crd: Seen<Crd>,
    /// The `MeshSync` CRD.
    #[serde(skip)]
    pub meshsync_crd: Seen<Crd>,
    /// Remaining CRDs of the group that older versions used.
    #[serde(skip)]
    pub former_crds: Seen<Vec<Crd>>,
    /// Broker CRs in the namespace, for each version that was queried.
    #[serde(skip)]
    pub brokers: BTreeMap<String, Seen<Vec<CustomResource<BrokerSpec, BrokerStatus>>>>,
    /// `MeshSync` CRs in the namespace, for each version that was queried.
    #[serde(skip)]
    pub meshsyncs: BTreeMap<String, Seen<Vec<CustomResource<MeshsyncSpec, MeshsyncStatus>>>>,
    /// Custom resources in other namespaces. Queried only if some are missing in the configured namespace.
    pub elsewhere: Seen<Vec<Elsewhere>>,
    /// Deployments in the namespace.
    #[serde(skip)]
    pub deployments: Seen<Vec<Deployment>>,
    /// `StatefulSet`s in the namespace.
    #[serde(skip)]
    pub statefulsets: Seen<Vec<StatefulSet>>,
    /// `ReplicaSet`s in the namespace.
    #[serde(skip)]
    pub replicasets: Seen<Vec<ReplicaSet>>,
    /// Pods in the namespace.
    #[serde(skip)]
    pub pods: Seen<Vec<Pod>>,
    /// Services in the namespace.
    #[serde(skip)]
    pub services: Seen<Vec<Service>>,
    /// `EndpointSlice`s in the namespace.
    #[serde(skip)]
    pub endpointslices: Seen<Vec<EndpointSlice>>,
    /// `NetworkPolicies` in the namespace.
    #[serde(skip)]
    pub networkpolicies: Seen<Vec<NetworkPolicy>>,
    /// Policies of the network plugin that may apply to the namespace. Queried only if the API server serves them.
    #[serde(skip_serializing_if = "Seen::is_not_looked")]
    pub cni_policies: Seen<Vec<CniPolicy>>,
    /// Events in the namespace.
    #[serde(skip)]
    pub events: Seen<Vec<Event>>,
    /// Facts about the broker's token, but never its value.
    pub token: Seen<TokenFact>,
    /// Helm's record of the stack's release. Queried only if a release was seen.
    pub helm: Seen<Vec<HelmRevision>>,
    /// The operator's leader election Lease.
    #[serde(skip)]
    pub lease: Seen<Lease>,
    /// Roles and bindings that were read.
    #[serde(skip)]
    pub rbac: Rbac,
    /// The API server's answers to access reviews.
    pub reviews: Seen<Vec<Review>>,
    /// The resources that the API server serves. Queried if a watch-list has more than the stock entries.
    pub served: Seen<Served>,
    /// A `ConfigMap` that public guides describe as the watch-list.
    pub watch_list_config_map: Seen<ConfigMapFact>,
    /// The answers of the broker servers.
    pub broker: BrokerFacts,
    /// The custom resources of Service Mesh Hub. Observed only for its profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<Box<hub::HubFacts>>,
    /// What Meshery Server answered. Asked only if one was named or found in the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Box<server::ServerFacts>>,
    /// The nodes of pods that are not ready or should be gone, by name. No other node is queried.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, Seen<NodeReadiness>>,
    /// The memory that `MeshSync` uses, from the metrics API. Queried if its container has a limit.
    pub memory: Seen<MemoryUse>,
    /// The logs of unhealthy workloads. Logs of healthy ones are not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// The API server's answers to the dry runs of an installation. Not checked unless a preflight was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
    /// The results of a connectivity test. Not checked unless one was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// How long each observation took, in milliseconds, by topic.
    pub timings: BTreeMap<String, u64>,
}

/// The cluster and the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// The kubeconfig's user, or the impersonated user.
    pub user: Option<String>,
    /// The namespace of the stack.
    pub namespace: String,
    /// How this program was started. Not part of a recording.
    #[serde(skip)]
    pub invocation: Invocation,
}

/// Why no request to the cluster was possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    /// The diagnosis: `kubeconfig-invalid`, `cluster-unreachable`…
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was tried, and the result.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// What to do, if this is more specific than the explanation of the diagnosis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The fields of `/version` that are checked or shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerVersion {
    /// The major number, as text.
    pub major: String,
    /// The minor number; some vendors append a plus sign.
    pub minor: String,
    /// The full version, `v1.35.4`.
    pub git_version: String,
}

/// Facts about the broker's token, but never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenFact {
    /// The Secret that contains it.
    pub secret: String,
    /// When the Secret was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Its length in bytes. `None` if the Secret lacks the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// A hash with a random salt for this run. It shows only whether two tokens in one run differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salted_hash: Option<String>,
}

/// The resources that the API server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Served {
    /// As watch-lists name them: `plural.version.group`.
    pub resources: Vec<String>,
    /// Groups whose API server did not answer, so that their resources may be missing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
}

/// A `ConfigMap` with its keys, but never their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMapFact {
    /// Its name.
    pub name: String,
    /// The keys of its data.
    pub keys: Vec<String>,
}

impl ConfigMapFact {
    /// The metadata that is kept.
    pub fn of(map: &ConfigMap) -> Self {
        Self {
            name: map.metadata.name.clone().unwrap_or_default(),
            keys: map.data.iter().flat_map(|data| data.keys().cloned()).collect(),
        }
    }
}

/// The memory of one container, as the metrics API reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryUse {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The memory in use, in bytes.
    pub bytes: u64,
}

impl MemoryUse {
    /// Reads a `PodMetrics` object. `None` if it does not have the container.
    pub fn of(metrics: &serde_json::Value, container: &str) -> Option<Self> {
        let containers = metrics["containers"].as_array()?;
        let found = containers.iter().find(|candidate| candidate["name"] == container)?;
        Some(Self {
            pod: metrics["metadata"]["name"].as_str()?.to_owned(),
            container: container.to_owned(),
            bytes: crate::stack::quantity::bytes(found["usage"]["memory"].as_str()?)?,
        })
    }
}

/// One revision of a Helm release, from the labels of Helm's Secret. Its content is never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmRevision {
    /// The release.
    pub release: String,
    /// The revision number.
    pub revision: u64,
    /// Its status: `deployed`, `failed`, `pending-upgrade`…
    pub status: String,
    /// When it was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl HelmRevision {
    /// Reads the metadata of a Secret. `None` if it is not one of Helm's.
    pub fn of(metadata: &ObjectMeta) -> Option<Self> {
        let label = |key: &str| metadata.labels.as_ref()?.get(key);
        (label("owner")? == "helm").then_some(())?;
        Some(Self {
            release: label("name")?.clone(),
            revision: label("version")?.parse().ok()?,
            status: label("status")?.clone(),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
        })
    }
}

/// Roles and bindings.
#[derive(Clone, Debug, Default)]
pub struct Rbac {
    /// `ClusterRole`s.
    pub cluster_roles: Seen<Vec<ClusterRole>>,
    /// `ClusterRoleBinding`s.
    pub cluster_role_bindings: Seen<Vec<ClusterRoleBinding>>,
    /// `Role`s of the namespace.
    pub roles: Seen<Vec<Role>>,
    /// `RoleBinding`s of the namespace.
    pub role_bindings: Seen<Vec<RoleBinding>>,
}

/// The API server's answer to one access review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// The user: `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// The permission.
    #[serde(rename = "right")]
    pub permission: Permission,
    /// The answer.
    pub allowed: bool,
}

/// The relevant log lines of one container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is the previous container's log.
    pub previous: bool,
    /// The lines, newest first.
    pub lines: Seen<Vec<LogLine>>,
}

/// One log line, and how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// The text, redacted and cut to a readable length.
    pub message: String,
    /// The stack's own error code in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The number of such lines.
    pub count: u32,
    /// The time of the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}
