//! An object in the cluster by its address, and the kinds that a stack consists of.

use serde_json::Value;

use crate::stack::base::permission::Permission;

/// A kind, with the plural that is used in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `group/version`, or only the version for the core group.
    pub api_version: &'static str,
    /// `Deployment`.
    pub kind: &'static str,
    /// `deployments`.
    pub plural: &'static str,
}

impl Kind {
    const fn of(api_version: &'static str, kind: &'static str, plural: &'static str) -> Self {
        Self { api_version, kind, plural }
    }
}

/// Namespaces.
pub const NAMESPACE: Kind = Kind::of("v1", "Namespace", "namespaces");
/// CRDs.
pub const DEFINITION: Kind =
    Kind::of("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions");
/// `ServiceAccount`s.
pub const SERVICE_ACCOUNT: Kind = Kind::of("v1", "ServiceAccount", "serviceaccounts");
/// Secrets.
pub const SECRET: Kind = Kind::of("v1", "Secret", "secrets");
/// `ConfigMap`s.
pub const CONFIG_MAP: Kind = Kind::of("v1", "ConfigMap", "configmaps");
/// Services.
pub const SERVICE: Kind = Kind::of("v1", "Service", "services");
/// Deployments.
pub const DEPLOYMENT: Kind = Kind::of("apps/v1", "Deployment", "deployments");
/// `StatefulSet`s.
pub const STATEFUL_SET: Kind = Kind::of("apps/v1", "StatefulSet", "statefulsets");
/// `Role`s.
pub const ROLE: Kind = Kind::of("rbac.authorization.k8s.io/v1", "Role", "roles");
/// `RoleBinding`s.
pub const ROLE_BINDING: Kind = Kind::of("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings");
/// `ClusterRole`s.
pub const CLUSTER_ROLE: Kind = Kind::of("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles");
/// `ClusterRoleBinding`s.
pub const CLUSTER_ROLE_BINDING: Kind =
    Kind::of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings");
/// `NetworkPolicy`s.
pub const NETWORK_POLICY: Kind = Kind::of("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies");
/// Leases.
pub const LEASE: Kind = Kind::of("coordination.k8s.io/v1", "Lease", "leases");
/// Certificates of cert-manager.
pub const CERTIFICATE: Kind = Kind::of("cert-manager.io/v1", "Certificate", "certificates");
/// Issuers of cert-manager.
pub const ISSUER: Kind = Kind::of("cert-manager.io/v1", "Issuer", "issuers");

/// Pods.
pub const POD: Kind = Kind::of("v1", "Pod", "pods");
/// `ReplicaSet`s.
pub const REPLICA_SET: Kind = Kind::of("apps/v1", "ReplicaSet", "replicasets");
/// Jobs.
pub const JOB: Kind = Kind::of("batch/v1", "Job", "jobs");
/// `CronJob`s.
pub const CRON_JOB: Kind = Kind::of("batch/v1", "CronJob", "cronjobs");

/// The group of an `apiVersion`. Empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The path under which the API server serves an `apiVersion`.
pub fn root_of(api_version: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{api_version}")
}

/// The address of one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// `group/version`, or only the version for the core group.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// `deployments`.
    pub plural: String,
    /// The namespace. `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl Id {
    /// An object of one of the known kinds.
    pub fn of(kind: Kind, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: kind.api_version.into(),
            kind: kind.kind.into(),
            plural: kind.plural.into(),
            namespace: namespace.map(Into::into),
            name: name.into(),
        }
    }

    /// The API group. Empty for the core group.
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// Whether both are the same object, regardless of the version of its kind.
    pub fn is_another_form_of(&self, other: &Self) -> bool {
        let place = |id: &Self| (id.plural.clone(), id.namespace.clone(), id.name.clone());
        self.group() == other.group() && place(self) == place(other)
    }

    /// The path of the collection that contains it.
    pub fn collection(&self) -> String {
        let base = root_of(&self.api_version);
        match &self.namespace {
            Some(namespace) => format!("{base}/namespaces/{namespace}/{}", self.plural),
            None => format!("{base}/{}", self.plural),
        }
    }

    /// A permission for this one object.
    pub fn permission(&self, verb: &str) -> Permission {
        let permission = Permission::to(verb, self.group(), &self.plural).named(&self.name);
        match &self.namespace {
            Some(namespace) => permission.in_namespace(namespace),
            None => permission,
        }
    }

    /// The path of the object.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The items of a list in an object. Empty if there is no such list.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The UID of an object as the API server assigned it.
pub fn uid(object: &Value) -> Option<&str> {
    object["metadata"]["uid"].as_str()
}

/// Whether an object is being deleted.
pub fn is_terminating(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The finalizers of an object.
pub fn finalizers(object: &Value) -> Vec<&str> {
    items(&object["metadata"]["finalizers"]).filter_map(Value::as_str).collect()
}
