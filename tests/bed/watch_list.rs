//! The default watch-list of the stack: 21 kinds with all event types.

use serde_json::{Value, json};

/// The resources of the default watch-list.
pub const RESOURCES: [&str; 21] = [
    "namespaces.v1.",
    "configmaps.v1.",
    "nodes.v1.",
    "secrets.v1.",
    "persistentvolumes.v1.",
    "persistentvolumeclaims.v1.",
    "replicasets.v1.apps",
    "pods.v1.",
    "services.v1.",
    "deployments.v1.apps",
    "statefulsets.v1.apps",
    "daemonsets.v1.apps",
    "ingresses.v1.networking.k8s.io",
    "endpoints.v1.",
    "endpointslices.v1.discovery.k8s.io",
    "cronjobs.v1.batch",
    "replicationcontrollers.v1.",
    "storageclasses.v1.storage.k8s.io",
    "clusterroles.v1.rbac.authorization.k8s.io",
    "volumeattachments.v1.storage.k8s.io",
    "apiservices.v1.apiregistration.k8s.io",
];

/// The default `whitelist`, as text.
pub fn default() -> String {
    of(&RESOURCES)
}

/// A `whitelist` with these resources and all event types.
pub fn of(resources: &[&str]) -> String {
    let entry = |name: &&str| json!({"Resource": name, "Events": ["ADDED", "MODIFIED", "DELETED"]});
    resources.iter().map(entry).collect::<Value>().to_string()
}
