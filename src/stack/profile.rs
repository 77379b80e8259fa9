//! Profiles: the constants of one family of stacks, as data.
//!
//! Nothing outside this file knows a name, label or subject of Meshery or of its relatives.

use crate::stack::watched_kinds::RESOURCES;

/// A set of labels that together select a workload's pods.
pub type Selector = &'static [(&'static str, &'static str)];

/// Everything that one family of stacks calls by a name of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name of the profile, as `--profile` takes it.
    pub name: &'static str,
    /// The product's name in prose.
    pub product: &'static str,
    /// The namespace that everything lives in unless told otherwise.
    pub namespace: &'static str,
    /// What the subjects on the broker begin with.
    pub subject_prefix: &'static str,
    /// The API group of the custom resources.
    pub group: &'static str,
    /// The API group that older versions used for them; none where it never changed.
    pub former_group: Option<&'static str>,
    /// The served versions to try, newest first.
    pub versions: &'static [&'static str],
    /// The operator's Deployment.
    pub operator: OperatorNames,
    /// The broker: the custom resource and what the operator makes of it.
    pub broker: BrokerNames,
    /// `MeshSync`: the custom resource and its Deployment.
    pub meshsync: MeshsyncNames,
    /// The server that reads from the broker.
    pub server: ServerNames,
    /// What an installation runs.
    pub images: Images,
}

/// The images of an installation. The operator makes the others by itself; they are named here for what is to be known
/// of their pods beforehand.
#[derive(Debug, PartialEq, Eq)]
pub struct Images {
    /// The operator's.
    pub operator: &'static str,
    /// The release of the operator that remedies name.
    pub operator_release: &'static str,
    /// The operator of the old line, at its newest.
    pub old_operator: &'static str,
    /// The NATS server's.
    pub broker: &'static str,
    /// That of the container beside it, which reloads its configuration.
    pub reloader: &'static str,
    /// `MeshSync`'s.
    pub meshsync: &'static str,
}

/// The operator's names.
#[derive(Debug, PartialEq, Eq)]
pub struct OperatorNames {
    /// The Deployment.
    pub deployment: &'static str,
    /// The container whose image carries the version.
    pub container: &'static str,
    /// The container that only the old line has.
    pub old_line_container: &'static str,
    /// The `ServiceAccount` that the operator, and `MeshSync` with it, runs as.
    pub service_account: &'static str,
    /// Labels of its pods, one set for each way of installing it.
    pub selectors: &'static [Selector],
    /// The leader election Lease.
    pub lease: &'static str,
    /// Cluster role bindings that the known manifests make for its `ServiceAccount`.
    pub cluster_role_bindings: &'static [&'static str],
    /// Cluster roles of the known manifests that are bound by these.
    pub cluster_roles: &'static [&'static str],
}

/// The broker's names.
#[derive(Debug, PartialEq, Eq)]
pub struct BrokerNames {
    /// The conventional name of the custom resource.
    pub resource: &'static str,
    /// `StatefulSet` and client Service of the current line; none where there is only the old one.
    pub current: Option<&'static str>,
    /// `StatefulSet` and client Service of the old line, which are named like the custom resource.
    pub old: &'static str,
    /// The container that runs the NATS server.
    pub container: &'static str,
    /// Labels of its pods, one set for each line.
    pub selectors: &'static [Selector],
    /// The Secret with the token, where the line has one.
    pub token_secret: Option<&'static str>,
    /// The key of the token in that Secret.
    pub token_key: &'static str,
    /// The finalizer that the operator puts on the custom resource.
    pub finalizer: &'static str,
    /// The port for NATS clients.
    pub client_port: u16,
    /// The port of the HTTP monitor.
    pub monitor_port: u16,
}

/// `MeshSync`'s names.
#[derive(Debug, PartialEq, Eq)]
pub struct MeshsyncNames {
    /// The conventional name of the custom resource, and of the Deployment made from it.
    pub resource: &'static str,
    /// The container that is `MeshSync`; sidecars do not count.
    pub container: &'static str,
    /// Labels of its pods.
    pub selector: Selector,
    /// The name under which it connects to the broker.
    pub client: &'static str,
    /// The finalizer that the operator puts on the custom resource.
    pub finalizer: &'static str,
    /// The `ConfigMap` that public pages tell people to edit, and nothing reads.
    pub documented_config_map: &'static str,
    /// The resources that the stock custom resource lists: `plural.version.group`.
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
    /// What the name of an adapter begins with, before the name of its service mesh.
    pub adapter_prefix: &'static str,
}

/// What the server's adapters are for, as the charts that install them name it.
pub const ADAPTERS: &str = "app-mesh cilium consul cpx istio kuma linkerd nginx-sm nighthawk nsm osm traefik-mesh";

/// A family's names, most of which begin with the name of the family.
macro_rules! profile {
    ($name:literal, $group:literal, broker: { $($of_broker:ident: $broker:expr,)* }, $($field:ident: $value:expr,)*) => {
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
            },
            $($field: $value,)*
        }
    };
}

/// Meshery itself; both operator lines are recognised.
pub static MESHERY: Profile = profile! {
    "meshery", "meshery.io",
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
        operator_release: NEWEST_OPERATOR,
        old_operator: "meshery/meshery-operator:0.8.11",
        broker: "nats:2.14.2-alpine",
        reloader: "natsio/nats-server-config-reloader:0.23.0",
        meshsync: "meshery/meshsync:1.0.3",
    },
};

/// The newest release of Meshery's operator, which this program deploys.
const NEWEST_OPERATOR: &str = "1.0.5";

/// Meshplay, a rename of Meshery's old line.
pub static MESHPLAY: Profile = profile! {
    "meshplay", "meshplay.khulnasoft.com",
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
        // Meshplay has released nothing of the current line: remedies name the release that it follows.
        operator_release: NEWEST_OPERATOR,
        old_operator: "khulnasoft/meshplay-operator:stable-latest",
        broker: "nats:2.8.2-alpine3.15",
        reloader: "connecteverything/nats-server-config-reloader:0.6.0",
        meshsync: "khulnasoft/meshsync:stable-latest",
    },
};

/// Every profile.
pub static ALL: &[&Profile] = &[&MESHERY, &MESHPLAY];

impl Default for &'static Profile {
    fn default() -> Self {
        &MESHERY
    }
}

impl serde::Serialize for Profile {
    /// By its name.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl Profile {
    /// The profile of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|profile| profile.name == name)
    }

    /// The subject of what `MeshSync` tells of the cluster.
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

    /// The cluster role that lets `MeshSync` read, and its binding.
    pub fn meshsync_reader(&self) -> String {
        format!("{}-reader", self.meshsync.resource)
    }

    /// The names that the broker's `StatefulSet` and client Service may have, current line first.
    pub fn broker_workloads(&self) -> impl Iterator<Item = &'static str> {
        self.broker.current.into_iter().chain([self.broker.old])
    }
}
