//! Profiles: the constants of one family of stacks, as data.
//!
//! No other file contains a name, label or subject of Meshery or its relatives.

use crate::stack::{hub, object::group_of, watched_kinds::RESOURCES};

/// A set of labels that together select the pods of a workload.
pub type Selector = &'static [(&'static str, &'static str)];

/// The names of one family of stacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name of the profile, as `--profile` accepts it.
    pub name: &'static str,
    /// The product's name in text.
    pub product: &'static str,
    /// The default namespace.
    pub namespace: &'static str,
    /// The prefix of the subjects on the broker.
    pub subject_prefix: &'static str,
    /// The API group of the custom resources.
    pub group: &'static str,
    /// The API group that older versions used. `None` if it never changed.
    pub former_group: Option<&'static str>,
    /// The served versions to try, newest first.
    pub versions: &'static [&'static str],
    /// The operator's Deployment.
    pub operator: OperatorNames,
    /// The broker: the custom resource and what the operator creates from it.
    pub broker: BrokerNames,
    /// `MeshSync`: the custom resource and its Deployment.
    pub meshsync: MeshsyncNames,
    /// The server that receives from the broker.
    pub server: ServerNames,
    /// The images of an installation.
    pub images: Images,
}

/// The images of an installation. The operator sets all but its own. They are listed here so that their pods are known
/// before the installation.
#[derive(Debug, PartialEq, Eq)]
pub struct Images {
    /// The operator's image.
    pub operator: &'static str,
    /// The newest release of the current operator line. `None` if there is only the old line.
    pub operator_release: Option<&'static str>,
    /// The newest operator of the old line.
    pub old_operator: &'static str,
    /// The NATS server's image.
    pub broker: &'static str,
    /// The image of the sidecar that reloads the NATS configuration.
    pub reloader: &'static str,
    /// `MeshSync`'s image.
    pub meshsync: &'static str,
}

/// The operator's names.
#[derive(Debug, PartialEq, Eq)]
pub struct OperatorNames {
    /// The Deployment.
    pub deployment: &'static str,
    /// The container whose image tag is the version.
    pub container: &'static str,
    /// The container that only the old line has.
    pub old_line_container: &'static str,
    /// The `ServiceAccount` of the operator and of `MeshSync`.
    pub service_account: &'static str,
    /// Labels of its pods, one set for each way to install it.
    pub selectors: &'static [Selector],
    /// The leader election Lease of the current line.
    pub lease: &'static str,
    /// The `ClusterRoleBinding`s that the known manifests create for its `ServiceAccount`.
    pub cluster_role_bindings: &'static [&'static str],
    /// The `ClusterRole`s in the known manifests that these bind.
    pub cluster_roles: &'static [&'static str],
}

/// The broker's names.
#[derive(Debug, PartialEq, Eq)]
pub struct BrokerNames {
    /// The conventional name of the custom resource.
    pub resource: &'static str,
    /// `StatefulSet` and client Service of the current line. `None` if there is only the old line.
    pub current: Option<&'static str>,
    /// `StatefulSet` and client Service of the old line, which have the name of the custom resource.
    pub old: &'static str,
    /// The container that runs the NATS server.
    pub container: &'static str,
    /// Labels of its pods, one set for each line.
    pub selectors: &'static [Selector],
    /// The Secret with the token, in lines that have one.
    pub token_secret: Option<&'static str>,
    /// The key of the token in that Secret.
    pub token_key: &'static str,
    /// The finalizer that the operator adds to the custom resource.
    pub finalizer: &'static str,
    /// The port for NATS clients.
    pub client_port: u16,
    /// The monitor port.
    pub monitor_port: u16,
}

/// `MeshSync`'s names.
#[derive(Debug, PartialEq, Eq)]
pub struct MeshsyncNames {
    /// The conventional name of the custom resource, and of the Deployment created from it.
    pub resource: &'static str,
    /// The container that runs `MeshSync`. Sidecars do not count.
    pub container: &'static str,
    /// Labels of its pods.
    pub selector: Selector,
    /// The name under which it connects to the broker.
    pub client: &'static str,
    /// The finalizer that the operator adds to the custom resource.
    pub finalizer: &'static str,
    /// The `ConfigMap` that public guides tell users to edit. Nothing reads it.
    pub documented_config_map: &'static str,
    /// The resources in the stock custom resource: `plural.version.group`.
    pub default_watch_list: &'static [&'static str],
}

/// The server's names.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerNames {
    /// The Deployment.
    pub deployment: &'static str,
    /// The names under which it connects to the broker, newest first.
    pub clients: &'static [&'static str],
    /// Labels of its pods.
    pub selector: Selector,
    /// The prefix of an adapter's name, before the name of its service mesh.
    pub adapter_prefix: &'static str,
    /// The port of its Service, which has the name of the Deployment.
    pub port: u16,
    /// The cookie that names the provider of the session. The other cookie of a session is `token`.
    pub provider_cookie: &'static str,
    /// The folder of its command line in the home folder, with `config.yaml` and `auth.json`.
    pub config_folder: &'static str,
    /// The variable of the Deployment with the address under which users reach it.
    pub callback_variable: &'static str,
}

/// The service meshes of the server's adapters, as the charts that install them name them.
pub const ADAPTERS: &str = "app-mesh cilium consul cpx istio kuma linkerd nginx-sm nighthawk nsm osm traefik-mesh";

/// The names of a family, most of which begin with the family's name.
macro_rules! profile {
    ($name:literal, $group:literal, $callback:literal, broker: { $($of_broker:ident: $broker:expr,)* }, $($field:ident: $value:expr,)*) => {
        Profile {
            name: $name,
            namespace: $name,
            subject_prefix: $name,
            group: $group,
            operator: OperatorNames {
                deployment: concat!($name, "-operator"),
                container: "manager",
                old_line_container: "kube-rbac-proxy",
                service_account: concat!($name, "-operator"),
                selectors: &[
                    &[("app", $name), ("component", "operator")],
                    &[("app.kubernetes.io/name", concat!($name, "-operator"))],
                ],
                lease: concat!($name, "-operator-leader.", $group),
                cluster_role_bindings: &[
                    concat!($name, "-controller-rolebinding"),
                    concat!($name, "-operator-rolebinding"),
                ],
                cluster_roles: &[concat!($name, "-controller-role"), concat!($name, "-operator-role")],
            },
            broker: BrokerNames {
                resource: concat!($name, "-broker"),
                old: concat!($name, "-broker"),
                container: "nats",
                token_key: "token",
                finalizer: concat!("broker.", $group, "/finalizer"),
                client_port: 4222,
                monitor_port: 8222,
                $($of_broker: $broker,)*
            },
            meshsync: MeshsyncNames {
                resource: concat!($name, "-meshsync"),
                container: "meshsync",
                selector: &[("app", $name), ("component", "meshsync")],
                client: "meshsync",
                finalizer: concat!("meshsync.", $group, "/finalizer"),
                documented_config_map: concat!($name, "-meshsync-config"),
                default_watch_list: &RESOURCES,
            },
            server: ServerNames {
                deployment: $name,
                clients: &[concat!($name, "-server"), $name],
                selector: &[("app.kubernetes.io/name", $name)],
                adapter_prefix: concat!($name, "-"),
                port: 9081,
                provider_cookie: concat!($name, "-provider"),
                config_folder: concat!(".", $name),
                callback_variable: $callback,
            },
            $($field: $value,)*
        }
    };
}

/// Meshery itself. Both operator lines are recognized.
pub static MESHERY: Profile = profile! {
    "meshery", "meshery.io", "MESHERY_SERVER_CALLBACK_URL",
    broker: {
        current: Some("meshery-nats"),
        selectors: &[
            &[("app.kubernetes.io/name", "nats"), ("app.kubernetes.io/instance", "meshery-nats")],
            &[("app", "meshery"), ("component", "broker")],
        ],
        token_secret: Some("meshery-nats-auth"),
    },
    product: "Meshery",
    former_group: Some("meshery.layer5.io"),
    versions: &["v1alpha2", "v1alpha1"],
    images: Images {
        operator: "meshery/meshery-operator:1.0.5",
        operator_release: Some("1.0.5"),
        old_operator: "meshery/meshery-operator:0.8.11",
        broker: "nats:2.14.2-alpine",
        reloader: "natsio/nats-server-config-reloader:0.23.0",
        meshsync: "meshery/meshsync:1.0.3",
    },
};

/// Meshplay, a renamed copy of Meshery's old line.
pub static MESHPLAY: Profile = profile! {
    "meshplay", "meshplay.khulnasoft.com", "MESHPLAY_SERVER_CALLBACK_URL",
    broker: {
        current: None,
        selectors: &[&[("app", "meshplay"), ("component", "broker")]],
        token_secret: None,
    },
    product: "Meshplay",
    former_group: None,
    versions: &["v1alpha1"],
    images: Images {
        operator: "khulnasoft/meshplay-operator:stable-latest",
        operator_release: None,
        old_operator: "khulnasoft/meshplay-operator:stable-latest",
        broker: "nats:2.8.2-alpine3.15",
        reloader: "connecteverything/nats-server-config-reloader:0.6.0",
        meshsync: "khulnasoft/meshsync:stable-latest",
    },
};

/// Service Mesh Hub and Gloo Mesh. It has none of the parts of the other families, so their names are empty and match
/// nothing; what it has instead is in [`super::hub`].
pub static SERVICE_MESH_HUB: Profile = Profile {
    name: "service-mesh-hub",
    product: "Gloo Mesh",
    namespace: "gloo-mesh",
    subject_prefix: "",
    group: "mesh.gloo.solo.io",
    former_group: None,
    versions: &[],
    operator: OperatorNames {
        deployment: "",
        container: "",
        old_line_container: "",
        service_account: "",
        selectors: &[],
        lease: "",
        cluster_role_bindings: &[],
        cluster_roles: &[],
    },
    broker: BrokerNames {
        resource: "",
        current: None,
        old: "",
        container: "",
        selectors: &[],
        token_secret: None,
        token_key: "",
        finalizer: "",
        client_port: 0,
        monitor_port: 0,
    },
    meshsync: MeshsyncNames {
        resource: "",
        container: "",
        selector: &[],
        client: "",
        finalizer: "",
        documented_config_map: "",
        default_watch_list: &[],
    },
    server: ServerNames {
        deployment: "",
        clients: &[],
        selector: &[],
        adapter_prefix: "",
        port: 0,
        provider_cookie: "",
        config_folder: "",
        callback_variable: "",
    },
    images: Images { operator: "", operator_release: None, old_operator: "", broker: "", reloader: "", meshsync: "" },
};

/// Every profile.
pub static ALL: &[&Profile] = &[&MESHERY, &MESHPLAY, &SERVICE_MESH_HUB];

/// The profiles with an operator, a broker and `MeshSync`.
pub static WITH_MESHSYNC: &[&Profile] = &[&MESHERY, &MESHPLAY];

/// The profile without them.
pub static HUB: &[&Profile] = &[&SERVICE_MESH_HUB];

/// The profiles with the current operator line, whose broker requires a token and whose custom resources have conditions.
pub static WITH_CURRENT_LINE: &[&Profile] = &[&MESHERY];

impl Default for &'static Profile {
    fn default() -> Self {
        &MESHERY
    }
}

impl serde::Serialize for Profile {
    /// Finds a profile by its name.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl Profile {
    /// The profile of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|profile| profile.name == name)
    }

    /// Whether a `group/version` that an API server serves contains custom resources of this family.
    pub fn has_resources_in(&self, group_version: &str) -> bool {
        if self.is_hub() {
            return hub::Generation::of(group_version).is_some();
        }
        let group = group_of(group_version);
        group == self.group || self.former_group == Some(group)
    }

    /// Whether this is Service Mesh Hub, which has no operator, broker and `MeshSync`.
    pub fn is_hub(&self) -> bool {
        self.name == SERVICE_MESH_HUB.name
    }

    /// Whether there is the current operator line, whose broker requires a token.
    pub fn has_current_line(&self) -> bool {
        self.broker.current.is_some()
    }

    /// The subject on which `MeshSync` publishes events.
    pub fn events_subject(&self) -> String {
        format!("{}.meshsync.core", self.subject_prefix)
    }

    /// The name of the Broker CRD.
    pub fn broker_crd(&self) -> String {
        format!("brokers.{}", self.group)
    }

    /// The name of the `MeshSync` CRD.
    pub fn meshsync_crd(&self) -> String {
        format!("meshsyncs.{}", self.group)
    }

    /// The names of the CRDs in the group that older versions used.
    pub fn former_crds(&self) -> Vec<String> {
        self.former_group
            .iter()
            .flat_map(|group| ["brokers", "meshsyncs"].map(|plural| format!("{plural}.{group}")))
            .collect()
    }

    /// The `ClusterRole` that lets `MeshSync` read, and its binding.
    pub fn meshsync_reader(&self) -> String {
        format!("{}-reader", self.meshsync.resource)
    }

    /// The `NetworkPolicy` that limits who can connect to the broker.
    pub fn broker_policy(&self) -> String {
        format!("{}-ingress", self.broker_workload())
    }

    /// How the leader election Leases of an operator are called, each process of which has its own and leaves it: with a
    /// random UUID in place of the `*`. `None` if the operator has one Lease with a fixed name.
    pub fn random_leases(&self) -> Option<String> {
        (!self.has_current_line() && !self.is_hub()).then(|| format!("operator-*.{}", self.group))
    }

    /// Whether a Lease of that name is one of [`Self::random_leases`].
    pub fn is_random_lease(&self, name: &str) -> bool {
        let Some(pattern) = self.random_leases() else {
            return false;
        };
        let (prefix, suffix) = pattern.split_once('*').unwrap_or_default();
        let id = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        let groups = id.into_iter().flat_map(|id| id.split('-'));
        let is_hex = |group: &str| group.chars().all(|c| c.is_ascii_hexdigit());
        groups.map(|group| if is_hex(group) { group.len() } else { 0 }).eq([8, 4, 4, 4, 12])
    }

    /// The flag that selects the broker's pods in a kubectl command.
    pub fn broker_pods(&self) -> String {
        let labels = self.broker.selectors.first().into_iter().copied().flatten();
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        format!("-l {}", labels.join(","))
    }

    /// The name of the broker's `StatefulSet` and client Service in the newest line.
    pub fn broker_workload(&self) -> &'static str {
        self.broker.current.unwrap_or(self.broker.old)
    }

    /// The possible names of the broker's `StatefulSet` and client Service, current line first.
    pub fn broker_workloads(&self) -> impl Iterator<Item = &'static str> {
        self.broker.current.into_iter().chain([self.broker.old])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_of_a_process_has_a_uuid_and_the_group() {
        let name = |id: &str| format!("operator-{id}.meshplay.khulnasoft.com");
        let lease = name("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        assert!(MESHPLAY.is_random_lease(&lease));
        assert!(!MESHERY.is_random_lease(&lease));
        for other in [name("1"), name("0f1e2d3c-4b5a-6978-8796-of-a-team"), lease.replace("operator-", "web-")] {
            assert!(!MESHPLAY.is_random_lease(&other), "{other}");
        }
        assert!(!MESHPLAY.is_random_lease(&lease.replace("khulnasoft.com", "example.com")));
    }
}
