//! The CRDs and the custom resources, in types that survive malformed objects.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

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
