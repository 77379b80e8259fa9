//! The configuration of the controllers in Meshery Server.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fields that are read.
pub const FIELDS: [&str; 17] = [
    "operator.deploymentMode",
    "operator.version",
    "meshsync.version",
    "meshsync.replicas",
    "meshsync.watchList",
    "meshsync.outputNamespaces",
    "meshsync.outputResources",
    "meshsync.redactSecrets",
    "meshsync.brokerContentDedup",
    "meshsync.debugLogging",
    "broker.version",
    "broker.replicas",
    "broker.service.type",
    "broker.service.annotations",
    "broker.service.loadBalancerClass",
    "broker.service.loadBalancerSourceRanges",
    "broker.service.externalEndpointOverride",
];

/// The value of a field that is larger than the limit.
pub const TOO_LARGE: &str = "(too large)";

/// One field of the configuration of the controllers, in each of its layers. A layer that does not set it is missing.
///
/// Texts are redacted. A value that would be cut is [`TOO_LARGE`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigField {
    /// Its path: `meshsync.replicas`.
    pub field: String,
    /// The default for every connection of the server.
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    pub general: Option<Value>,
    /// What the connection to this cluster sets for itself.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub own: Option<Value>,
    /// The value that results, as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Value>,
}
