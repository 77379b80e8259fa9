//! The kinds of the resources that `MeshSync` can watch. Messages name the kind, watch-lists the resource.

use super::object::root_of;

/// Each resource as a watch-list names it, its kind, and the group and version in its messages.
const KINDS: &[(&str, &str, &str)] = &[
    ("namespaces.v1.", "Namespace", "v1"),
    ("configmaps.v1.", "ConfigMap", "v1"),
    ("nodes.v1.", "Node", "v1"),
    ("secrets.v1.", "Secret", "v1"),
    ("persistentvolumes.v1.", "PersistentVolume", "v1"),
    ("persistentvolumeclaims.v1.", "PersistentVolumeClaim", "v1"),
    ("replicasets.v1.apps", "ReplicaSet", "apps/v1"),
    ("pods.v1.", "Pod", "v1"),
    ("services.v1.", "Service", "v1"),
    ("deployments.v1.apps", "Deployment", "apps/v1"),
    ("statefulsets.v1.apps", "StatefulSet", "apps/v1"),
    ("daemonsets.v1.apps", "DaemonSet", "apps/v1"),
    ("ingresses.v1.networking.k8s.io", "Ingress", "networking.k8s.io/v1"),
    ("endpoints.v1.", "Endpoints", "v1"),
    ("endpointslices.v1.discovery.k8s.io", "EndpointSlice", "discovery.k8s.io/v1"),
    ("cronjobs.v1.batch", "CronJob", "batch/v1"),
    ("replicationcontrollers.v1.", "ReplicationController", "v1"),
    ("storageclasses.v1.storage.k8s.io", "StorageClass", "storage.k8s.io/v1"),
    ("clusterroles.v1.rbac.authorization.k8s.io", "ClusterRole", "rbac.authorization.k8s.io/v1"),
    ("volumeattachments.v1.storage.k8s.io", "VolumeAttachment", "storage.k8s.io/v1"),
    ("apiservices.v1.apiregistration.k8s.io", "APIService", "apiregistration.k8s.io/v1"),
];

/// The resources that `MeshSync` watches in its global group. All others are in its local group.
pub const GLOBAL: [&str; 6] = [
    "namespaces.v1.",
    "configmaps.v1.",
    "nodes.v1.",
    "secrets.v1.",
    "persistentvolumes.v1.",
    "persistentvolumeclaims.v1.",
];

/// The resources of the stock watch-list, the same in every family.
pub const RESOURCES: [&str; KINDS.len()] = {
    let mut resources = [""; KINDS.len()];
    let mut at = 0;
    while at < KINDS.len() {
        resources[at] = KINDS[at].0;
        at += 1;
    }
    resources
};

/// The resource of a message, as a watch-list names it. For other kinds, the message's own names.
pub fn resource_of(kind: &str, api_version: &str) -> String {
    KINDS
        .iter()
        .find(|(_, known, version)| *known == kind && *version == api_version)
        .map_or_else(|| format!("{kind}.{api_version}"), |(resource, ..)| (*resource).to_owned())
}

/// The kind of a resource.
pub fn kind_of(resource: &str) -> Option<&'static str> {
    KINDS.iter().find(|(known, ..)| *known == resource).map(|(_, kind, _)| *kind)
}

/// The path under which the API server lists a resource in every namespace.
pub fn path_of(resource: &str) -> Option<String> {
    let (_, _, version) = KINDS.iter().find(|(known, ..)| *known == resource)?;
    let plural = resource.split('.').next()?;
    Some(format!("{}/{plural}", root_of(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stock_resource_has_a_kind() {
        for resource in RESOURCES {
            let kind = kind_of(resource).expect("a kind");
            let version = path_of(resource).expect("a path");
            assert!(version.contains("/v1/"), "{resource} {kind} {version}");
        }
        assert_eq!(path_of("cronjobs.v1.batch").as_deref(), Some("/apis/batch/v1/cronjobs"));
    }
}
