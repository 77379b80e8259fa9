//! Facts: what was seen, at one moment, with nothing judged.
//!
//! Plain data. Workloads are Kubernetes' own types, reduced by `redact`; custom resources are types of ours that
//! survive malformed objects. Everything that may not have been seen is a [`Seen`].

mod broker;
mod custom_resources;
mod depth;
pub mod dry_run;
pub mod log_lines;
pub mod observed;
pub mod permissions;
pub(crate) mod preflight;
mod probe;
pub mod recording;
pub mod redact;
pub mod stack;
mod test;
pub mod test_object;
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
    preflight::{Answer, AskedRight, DryRun, Node, Preflight},
    probe::{FailureKind, FailureReason, Handshake, NotTried, ProbeFailure},
    test::{
        ApiTest, Change, FlowTest, Heard, HeldBack, Leftover, MeshsyncTest, OperatorTest, Passive, ProbeObject,
        Refusal, ServerTest, Step, Subject, Test,
    },
};
use crate::stack::{
    base::{invocation::Invocation, permission::Permission, seen::Seen},
    profile::Profile,
};
pub use broker::{Attempt, BrokerFacts, BrokerServer, ClosedConnection, Connection, Greeting, Varz};
pub use custom_resources::{
    Broker, BrokerRef, BrokerService, BrokerSpec, BrokerStatus, Condition, Crd, CrdConversion, CrdNames, CrdSchema,
    CrdSpec, CrdStatus, CrdVersion, CustomBroker, CustomResource, Endpoint, Fields, Meshsync, MeshsyncSpec,
    MeshsyncStatus, NativeBroker,
};
pub use depth::Depth;

/// All that was seen of one cluster; by default nothing, of Meshery's stack.
///
/// The fields that hold Kubernetes objects as they are have a row in [`observed`]. All others are written to a recording,
/// in this order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// When it was seen.
    #[serde(skip_deserializing)]
    pub taken_at: Timestamp,
    /// Whether that time was read off the objects, as with a plain dump.
    #[serde(skip)]
    pub taken_at_estimated: bool,
    /// The constants of the family that was looked for.
    #[serde(skip_deserializing)]
    pub profile: &'static Profile,
    /// Which cluster, and as whom.
    #[serde(skip_deserializing)]
    pub target: Target,
    /// Whether we ran inside a cluster.
    pub in_cluster: bool,
    /// Why nothing could be asked at all; none when the cluster was spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// The API server's version.
    pub version: Seen<ServerVersion>,
    /// The namespace of the stack.
    #[serde(skip)]
    pub namespace: Seen<Namespace>,
    /// The UID of the namespace `kube-system`, which the product uses as the cluster's id.
    pub cluster_id: Seen<String>,
    /// The CRD of the Broker.
    #[serde(skip)]
    pub broker_crd: Seen<Crd>,
    /// The CRD of `MeshSync`.
    #[serde(skip)]
    pub meshsync_crd: Seen<Crd>,
    /// The CRDs that remain of the group that older versions used.
    #[serde(skip)]
    pub former_crds: Seen<Vec<Crd>>,
    /// Broker objects in the namespace, for each version that was asked.
    #[serde(skip)]
    pub brokers: BTreeMap<String, Seen<Vec<CustomResource<BrokerSpec, BrokerStatus>>>>,
    /// `MeshSync` objects in the namespace, for each version that was asked.
    #[serde(skip)]
    pub meshsyncs: BTreeMap<String, Seen<Vec<CustomResource<MeshsyncSpec, MeshsyncStatus>>>>,
    /// Namespaces that hold custom resources, asked only when ours does not.
    pub elsewhere: Seen<Vec<String>>,
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
    /// Events in the namespace.
    #[serde(skip)]
    pub events: Seen<Vec<Event>>,
    /// The broker's token: that it is there, never what it is.
    pub token: Seen<TokenFact>,
    /// What Helm has noted of the release that the stack belongs to; asked only when one was seen.
    pub helm: Seen<Vec<HelmRevision>>,
    /// The operator's leader election Lease.
    #[serde(skip)]
    pub lease: Seen<Lease>,
    /// Roles and bindings, where they were read.
    #[serde(skip)]
    pub rbac: Rbac,
    /// What the API server answered to access reviews.
    pub reviews: Seen<Vec<Review>>,
    /// The resources that the API server serves; asked when a watch-list names more than the stock one.
    pub served: Seen<Served>,
    /// A `ConfigMap` that public pages take for the watch-list.
    pub watch_list_config_map: Seen<ConfigMapFact>,
    /// What the broker's servers answered.
    pub broker: BrokerFacts,
    /// The memory that `MeshSync` uses, from the metrics API; asked where its container has a limit.
    pub memory: Seen<MemoryUse>,
    /// The logs of what is below the state it should be in; none of what is well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// What the API server said of what an installation would write; none when nobody asked for a preflight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
    /// What an ad hoc test measured; none when nobody asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// How long each observation took, in milliseconds, by topic.
    pub timings: BTreeMap<String, u64>,
}

/// Which cluster was asked, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// The kubeconfig's user, or who was impersonated.
    pub user: Option<String>,
    /// The namespace that was looked at.
    pub namespace: String,
    /// How this program was called. Not part of a recording.
    #[serde(skip)]
    pub invocation: Invocation,
}

/// Why the cluster could not be spoken to at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    /// The diagnosis: `kubeconfig-invalid`, `cluster-unreachable`…
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was tried and what came of it.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// What to do, when it is more than the catalogue says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The part of `/version` that is judged or shown.
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

/// The broker's token: that it is there, never what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenFact {
    /// The Secret that holds it.
    pub secret: String,
    /// When the Secret was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// How many bytes it has; none when the Secret lacks the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// A hash with a random salt of this run, so that two tokens of one run can be told apart and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salted_hash: Option<String>,
}

/// The resources that the API server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Served {
    /// As watch-lists name them: `plural.version.group`.
    pub resources: Vec<String>,
    /// Groups whose own server did not answer, so that what they serve may be missing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
}

/// A `ConfigMap`: that it is there and which keys it has, never what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMapFact {
    /// Its name.
    pub name: String,
    /// The keys of its data.
    pub keys: Vec<String>,
}

impl ConfigMapFact {
    /// What may be kept of it.
    pub fn of(map: &ConfigMap) -> Self {
        Self {
            name: map.metadata.name.clone().unwrap_or_default(),
            keys: map.data.iter().flat_map(|data| data.keys().cloned()).collect(),
        }
    }
}

/// The memory of one container, as the metrics API last measured it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryUse {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// What it uses, in bytes.
    pub bytes: u64,
}

impl MemoryUse {
    /// Reads a `PodMetrics` object; none when it does not have the container.
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

/// One revision of a Helm release, by the labels of the Secret that Helm keeps it in; what it holds is never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmRevision {
    /// The release.
    pub release: String,
    /// The number of the revision.
    pub revision: u64,
    /// What became of it: `deployed`, `failed`, `pending-upgrade`…
    pub status: String,
    /// When it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl HelmRevision {
    /// Reads the metadata of a Secret; none when it is not one of Helm's.
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
    /// Cluster roles.
    pub cluster_roles: Seen<Vec<ClusterRole>>,
    /// Cluster role bindings.
    pub cluster_role_bindings: Seen<Vec<ClusterRoleBinding>>,
    /// Roles of the namespace.
    pub roles: Seen<Vec<Role>>,
    /// Role bindings of the namespace.
    pub role_bindings: Seen<Vec<RoleBinding>>,
}

/// One answer of the API server's access review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Whose right: `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// The right that was asked about.
    pub right: Permission,
    /// The answer.
    pub allowed: bool,
}

/// The lines that matter of one container's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is the log of the run before the present one.
    pub previous: bool,
    /// The lines, newest first.
    pub lines: Seen<Vec<LogLine>>,
}

/// One line of a log, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// What it says, without secrets and cut to a length that can be read.
    pub message: String,
    /// The error code of the stack's own that it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many lines said so.
    pub count: u32,
    /// When the newest of them came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}
