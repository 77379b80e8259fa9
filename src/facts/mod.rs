//! Facts: what was seen, at one moment, with nothing judged.
//!
//! Plain data. Workloads are Kubernetes' own types, reduced by `redact`; custom resources are types of ours that
//! survive malformed objects. Everything that may not have been seen is a [`Seen`].

pub mod dry_run;
pub mod log_lines;
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
        ApiTest, Change, FlowTest, Heard, HeldBack, Leftover, MeshsyncTest, OperatorTest, Passive,
        ProbeObject, Refusal, ServerTest, Step, Subject, Test,
    },
};
use crate::{
    report::Way,
    stack::{
        base::{bounded, permission::Permission, seen::Seen},
        profile::Profile,
    },
};

/// All that was seen of one cluster.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When it was seen.
    pub taken_at: Timestamp,
    /// Whether that time was read off the objects, as with a plain dump.
    pub taken_at_estimated: bool,
    /// The constants of the family that was looked for.
    pub profile: &'static Profile,
    /// Which cluster, and as whom.
    pub target: Target,
    /// Whether we ran inside a cluster.
    pub in_cluster: bool,
    /// Why nothing could be asked at all; none when the cluster was spoken to.
    pub obstacle: Option<Obstacle>,
    /// The API server's version.
    pub version: Seen<ServerVersion>,
    /// The namespace of the stack.
    pub namespace: Seen<Namespace>,
    /// The UID of the namespace `kube-system`, which the product uses as the cluster's id.
    pub cluster_id: Seen<String>,
    /// The CRD of the Broker.
    pub broker_crd: Seen<Crd>,
    /// The CRD of `MeshSync`.
    pub meshsync_crd: Seen<Crd>,
    /// The CRDs that remain of the group that older versions used.
    pub former_crds: Seen<Vec<Crd>>,
    /// Broker objects in the namespace, for each version that was asked.
    pub brokers: BTreeMap<String, Seen<Vec<CustomResource<BrokerSpec, BrokerStatus>>>>,
    /// `MeshSync` objects in the namespace, for each version that was asked.
    pub meshsyncs: BTreeMap<String, Seen<Vec<CustomResource<MeshsyncSpec, MeshsyncStatus>>>>,
    /// Namespaces that hold custom resources, asked only when ours does not.
    pub elsewhere: Seen<Vec<String>>,
    /// Deployments in the namespace.
    pub deployments: Seen<Vec<Deployment>>,
    /// `StatefulSet`s in the namespace.
    pub statefulsets: Seen<Vec<StatefulSet>>,
    /// `ReplicaSet`s in the namespace.
    pub replicasets: Seen<Vec<ReplicaSet>>,
    /// Pods in the namespace.
    pub pods: Seen<Vec<Pod>>,
    /// Services in the namespace.
    pub services: Seen<Vec<Service>>,
    /// `EndpointSlice`s in the namespace.
    pub endpointslices: Seen<Vec<EndpointSlice>>,
    /// `NetworkPolicies` in the namespace.
    pub networkpolicies: Seen<Vec<NetworkPolicy>>,
    /// Events in the namespace.
    pub events: Seen<Vec<Event>>,
    /// The broker's token: that it is there, never what it is.
    pub token: Seen<TokenFact>,
    /// What Helm has noted of the release that the stack belongs to; asked only when one was seen.
    pub helm: Seen<Vec<HelmRevision>>,
    /// The operator's leader election Lease.
    pub lease: Seen<Lease>,
    /// Roles and bindings, where they were read.
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
    pub logs: Vec<Log>,
    /// What the API server said of what an installation would write; none when nobody asked for a preflight.
    pub preflight: Option<Preflight>,
    /// What an ad hoc test measured; none when nobody asked for one.
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
}

/// Why the cluster could not be spoken to at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The part of a `CustomResourceDefinition` that is judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Crd {
    /// Name, labels, annotations, deletion.
    pub metadata: ObjectMeta,
    /// Versions and conversion.
    pub spec: CrdSpec,
    /// Conditions and stored versions.
    pub status: CrdStatus,
}

/// Versions and conversion of a CRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdSpec {
    /// The API group.
    pub group: String,
    /// The names of the kind.
    pub names: CrdNames,
    /// Its versions.
    pub versions: Vec<CrdVersion>,
    /// How one version is made from another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<CrdConversion>,
}

/// The names of a CRD's kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdNames {
    /// The kind.
    pub kind: String,
    /// The plural resource name.
    pub plural: String,
}

/// One version of a CRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdVersion {
    /// The name, `v1alpha1`.
    pub name: String,
    /// Whether it can be asked for.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// Its fields; none when the dump left schemas out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<CrdSchema>,
}

/// The schema of one version of a CRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdSchema {
    /// The fields of the object.
    #[serde(rename = "openAPIV3Schema")]
    pub open_api_v3_schema: Fields,
}

/// The names of an object's fields, and theirs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Fields>,
}

/// How one version of a CRD is made from another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdConversion {
    /// `None` or `Webhook`.
    pub strategy: String,
}

/// Conditions and stored versions of a CRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CrdStatus {
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// The versions that stored objects may have.
    pub stored_versions: Vec<String>,
}

/// A condition, as custom resources and CRDs carry them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word why.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// The generation it was judged at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
}

/// A custom resource with fields that may all be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomResource<S, T> {
    /// Name, finalizers, deletion.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: S,
    /// What the operator says came of it.
    #[serde(default)]
    pub status: T,
}

/// A Broker object.
pub type Broker = CustomResource<BrokerSpec, BrokerStatus>;
/// A `MeshSync` object.
pub type Meshsync = CustomResource<MeshsyncSpec, MeshsyncStatus>;

/// What a Broker asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerSpec {
    /// How many servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The image tag of the NATS server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it is exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<BrokerService>,
}

/// How a Broker is exposed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerService {
    /// `ClusterIP`, `NodePort` or `LoadBalancer`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// An address that wins over the derived one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_endpoint_override: Option<String>,
}

/// What the operator says of a Broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerStatus {
    /// The conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// The addresses of a broker, each `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Inside the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<String>,
    /// Outside the cluster; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

/// What a `MeshSync` asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeshsyncSpec {
    /// How many replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The image tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Which broker it publishes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerRef>,
    /// What it watches: an embedded `ConfigMap`, kept as it is since any part of it may be malformed.
    #[serde(rename = "watch-list", skip_serializing_if = "Option::is_none")]
    pub watch_list: Option<serde_json::Value>,
}

/// Which broker a `MeshSync` publishes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrokerRef {
    /// A Broker object of this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeBroker>,
    /// Any NATS server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomBroker>,
}

/// A Broker object of this cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NativeBroker {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// A NATS server by address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomBroker {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What the operator says of a `MeshSync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeshsyncStatus {
    /// The conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where it publishes to.
    #[serde(rename = "publishing-to", skip_serializing_if = "Option::is_none")]
    pub publishing_to: Option<String>,
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
            keys: map
                .data
                .iter()
                .flat_map(|data| data.keys().cloned())
                .collect(),
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
        let found = containers
            .iter()
            .find(|candidate| candidate["name"] == container)?;
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

/// What the broker's servers answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerFacts {
    /// Whether the servers were asked at all.
    pub looked: bool,
    /// The servers, one for each broker pod, and those that only an address led to.
    pub servers: Vec<BrokerServer>,
    /// Every way that was tried, and how each failed.
    pub attempts: Vec<Attempt>,
}

/// One way that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The pod, when one was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The way.
    pub way: Way,
    /// The address, where the way has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How it failed; none when it led to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ProbeFailure>,
}

/// What one broker server answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerServer {
    /// Its pod, when it was reached through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Which way answered.
    pub reached_by: Way,
    /// The address, where the way has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `/varz`: the server itself.
    pub varz: Varz,
    /// `/connz`: the client connections.
    pub connections: Seen<Vec<Connection>>,
    /// How many more it listed that are not kept, none of them of a name that decides a state.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Whether every connection was listed that it says it has.
    pub complete: bool,
    /// Connections of `MeshSync`'s name that have ended.
    #[serde(default)]
    pub closed: Seen<Vec<ClosedConnection>>,
    /// The handshake on the client port.
    pub handshake: Handshake,
    /// What the server said of itself on its client port, where it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
    /// How its monitor failed, where the client port alone answered: `varz` is then what the greeting said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<ProbeFailure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The first line of a NATS server on its client port, `INFO {…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Greeting {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, on the current line.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "bounded::text")]
    pub server_name: String,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate; absent means no.
    pub auth_required: bool,
    /// Whether clients must speak TLS; absent means no.
    pub tls_required: bool,
    /// Whether the server is shutting down in good order, as a lame duck.
    #[serde(rename = "ldm")]
    pub lame_duck: bool,
    /// The largest message that it takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
}

/// The part of `/varz` that is judged or shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Varz {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, on the current line.
    #[serde(deserialize_with = "bounded::text_or_none")]
    pub server_name: Option<String>,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate; absent means no.
    pub auth_required: bool,
    /// Routes to other servers of one cluster.
    pub routes: u64,
    /// Open connections.
    pub connections: u64,
    /// The port for clients that it is configured with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether clients must speak TLS; absent means no.
    pub tls_required: bool,
    /// The most connections that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// The largest message that it takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
    /// The memory of its process, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<u64>,
    /// Clients cut off since the start because they did not read fast enough.
    pub slow_consumers: u64,
    /// Messages taken since the start.
    pub in_msgs: u64,
    /// Messages passed on since the start.
    pub out_msgs: u64,
    /// When the server started.
    pub start: Option<Timestamp>,
    /// The server's own clock.
    pub now: Option<Timestamp>,
}

/// One client connection, from `/connz`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// The connection's number on its server.
    pub cid: u64,
    /// The name that the client gave.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// How long it has said nothing, as NATS prints it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "bounded::text")]
    pub idle: String,
    /// Messages from the client.
    pub in_msgs: u64,
    /// Messages to the client.
    pub out_msgs: u64,
    /// Bytes that wait for the client to read them.
    pub pending_bytes: u64,
    /// How many subscriptions it has; counted even where they are not listed.
    #[serde(rename = "subscriptions")]
    pub subscription_count: u64,
    /// Subjects it subscribes to.
    #[serde(rename = "subscriptions_list", skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "bounded::subjects")]
    pub subscriptions: Vec<String>,
}

/// One client connection that has ended, from `/connz?state=closed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClosedConnection {
    /// The connection's number on its server.
    pub cid: u64,
    /// The name that the client gave.
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Timestamp>,
    /// Why, in the server's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "bounded::text")]
    pub reason: String,
}
