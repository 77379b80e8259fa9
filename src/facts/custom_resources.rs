//! The CRDs and custom resources, as types that tolerate malformed objects.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

/// The fields of a `CustomResourceDefinition` that are checked.
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
    /// The conversion between versions.
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
    /// Whether the API server serves it.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// Its fields. `None` if the dump has no schemas.
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

/// The fields of an object with their own fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Fields>,
}

/// How a CRD converts between versions.
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

/// A condition of a custom resource or CRD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// The type of the condition.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason, as one word.
    pub reason: String,
    /// The message.
    pub message: String,
    /// The observed generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<String>,
}

/// A custom resource. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomResource<S, T> {
    /// Name, finalizers, deletion.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The desired state.
    #[serde(default)]
    pub spec: S,
    /// The status that the operator reports.
    #[serde(default)]
    pub status: T,
}

/// A Broker CR.
pub type Broker = CustomResource<BrokerSpec, BrokerStatus>;

/// A `MeshSync` CR.
pub type Meshsync = CustomResource<MeshsyncSpec, MeshsyncStatus>;

/// The spec of a Broker CR.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerSpec {
    /// The number of servers.
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
    /// An address that overrides the derived one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_endpoint_override: Option<String>,
}

/// The status of a Broker CR.
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

/// The addresses of a broker, each as `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Inside the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<String>,
    /// Outside the cluster. May be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
}

/// The spec of a `MeshSync` CR.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeshsyncSpec {
    /// The number of replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The image tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The broker that it publishes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerRef>,
    /// The watch-list: an embedded `ConfigMap`, kept unparsed because any part of it may be malformed.
    #[serde(rename = "watch-list", skip_serializing_if = "Option::is_none")]
    pub watch_list: Option<serde_json::Value>,
}

/// The broker that a `MeshSync` CR refers to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrokerRef {
    /// A Broker CR of this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeBroker>,
    /// Any NATS server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomBroker>,
}

/// A reference to a Broker CR of this cluster.
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

/// The status of a `MeshSync` CR.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeshsyncStatus {
    /// The conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The address that it publishes to.
    #[serde(rename = "publishing-to", skip_serializing_if = "Option::is_none")]
    pub publishing_to: Option<String>,
}
