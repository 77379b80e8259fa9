//! Profiles: the constants of one family of stacks, as data.
//!
//! Nothing outside this file knows a name, label or subject of Meshery or of its relatives.

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
    /// The cluster role that an installation gives it.
    pub role: &'static str,
    /// The binding of that role.
    pub role_binding: &'static str,
    /// The role for its leader election.
    pub election_role: &'static str,
    /// The binding of that role.
    pub election_binding: &'static str,
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
pub const ADAPTERS: &[&str] = &[
    "app-mesh",
    "cilium",
    "consul",
    "cpx",
    "istio",
    "kuma",
    "linkerd",
    "nginx-sm",
    "nighthawk",
    "nsm",
    "osm",
    "traefik-mesh",
];

/// The 21 resources of the stock watch-list, the same in every family.
const DEFAULT_WATCH_LIST: &[&str] = &[
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

/// Meshery itself; both operator lines are recognised.
pub static MESHERY: Profile = Profile {
    name: "meshery",
    product: "Meshery",
    namespace: "meshery",
    subject_prefix: "meshery",
    group: "meshery.io",
    former_group: Some("meshery.layer5.io"),
    versions: &["v1alpha2", "v1alpha1"],
    operator: OperatorNames {
        deployment: "meshery-operator",
        container: "manager",
        old_line_container: "kube-rbac-proxy",
        service_account: "meshery-operator",
        selectors: &[
            &[("app", "meshery"), ("component", "operator")],
            &[("app.kubernetes.io/name", "meshery-operator")],
        ],
        lease: "meshery-operator-leader.meshery.io",
        cluster_role_bindings: &["meshery-controller-rolebinding", "meshery-operator-rolebinding"],
        cluster_roles: &["meshery-controller-role", "meshery-operator-role"],
        role: "meshery-operator-role",
        role_binding: "meshery-operator-rolebinding",
        election_role: "meshery-leader-election-role",
        election_binding: "meshery-leader-election-rolebinding",
    },
    broker: BrokerNames {
        resource: "meshery-broker",
        current: Some("meshery-nats"),
        old: "meshery-broker",
        container: "nats",
        selectors: &[
            &[("app.kubernetes.io/name", "nats"), ("app.kubernetes.io/instance", "meshery-nats")],
            &[("app", "meshery"), ("component", "broker")],
        ],
        token_secret: Some("meshery-nats-auth"),
        token_key: "token",
        finalizer: "broker.meshery.io/finalizer",
        client_port: 4222,
        monitor_port: 8222,
    },
    meshsync: MeshsyncNames {
        resource: "meshery-meshsync",
        container: "meshsync",
        selector: &[("app", "meshery"), ("component", "meshsync")],
        client: "meshsync",
        finalizer: "meshsync.meshery.io/finalizer",
        documented_config_map: "meshery-meshsync-config",
        default_watch_list: DEFAULT_WATCH_LIST,
    },
    server: ServerNames {
        deployment: "meshery",
        clients: &["meshery-server", "meshery"],
        selector: &[("app.kubernetes.io/name", "meshery")],
        adapter_prefix: "meshery-",
    },
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
pub static MESHPLAY: Profile = Profile {
    name: "meshplay",
    product: "Meshplay",
    namespace: "meshplay",
    subject_prefix: "meshplay",
    group: "meshplay.khulnasoft.com",
    former_group: None,
    versions: &["v1alpha1"],
    operator: OperatorNames {
        deployment: "meshplay-operator",
        container: "manager",
        old_line_container: "kube-rbac-proxy",
        service_account: "meshplay-operator",
        selectors: &[
            &[("app", "meshplay"), ("component", "operator")],
            &[("app.kubernetes.io/name", "meshplay-operator")],
        ],
        lease: "meshplay-operator-leader.meshplay.khulnasoft.com",
        cluster_role_bindings: &["meshplay-controller-rolebinding", "meshplay-operator-rolebinding"],
        cluster_roles: &["meshplay-controller-role", "meshplay-operator-role"],
        role: "meshplay-operator-role",
        role_binding: "meshplay-operator-rolebinding",
        election_role: "meshplay-leader-election-role",
        election_binding: "meshplay-leader-election-rolebinding",
    },
    broker: BrokerNames {
        resource: "meshplay-broker",
        current: None,
        old: "meshplay-broker",
        container: "nats",
        selectors: &[&[("app", "meshplay"), ("component", "broker")]],
        token_secret: None,
        token_key: "token",
        finalizer: "broker.meshplay.khulnasoft.com/finalizer",
        client_port: 4222,
        monitor_port: 8222,
    },
    meshsync: MeshsyncNames {
        resource: "meshplay-meshsync",
        container: "meshsync",
        selector: &[("app", "meshplay"), ("component", "meshsync")],
        client: "meshsync",
        finalizer: "meshsync.meshplay.khulnasoft.com/finalizer",
        documented_config_map: "meshplay-meshsync-config",
        default_watch_list: DEFAULT_WATCH_LIST,
    },
    server: ServerNames {
        deployment: "meshplay",
        clients: &["meshplay-server", "meshplay"],
        selector: &[("app.kubernetes.io/name", "meshplay")],
        adapter_prefix: "meshplay-",
    },
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
