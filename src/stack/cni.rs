//! Network policies that a cluster's network plugin defines besides those of Kubernetes.

/// A kind of such policies.
#[derive(Clone, Copy, Debug)]
pub struct PolicyKind {
    /// Its API group.
    pub group: &'static str,
    /// The version to list.
    pub version: &'static str,
    /// The plural name.
    pub plural: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Whether its policies are in a namespace. Others apply to the whole cluster.
    pub namespaced: bool,
}

/// Cilium's policies.
const CILIUM: &[PolicyKind] = &[
    PolicyKind {
        group: "cilium.io",
        version: "v2",
        plural: "ciliumnetworkpolicies",
        kind: "CiliumNetworkPolicy",
        namespaced: true,
    },
    PolicyKind {
        group: "cilium.io",
        version: "v2",
        plural: "ciliumclusterwidenetworkpolicies",
        kind: "CiliumClusterwideNetworkPolicy",
        namespaced: false,
    },
];

/// Calico's policies in the API of its own server.
const CALICO: &[PolicyKind] = &calico("projectcalico.org", "v3");

/// The same policies as Calico stores them, on clusters without its API server.
const CALICO_STORED: &[PolicyKind] = &calico("crd.projectcalico.org", "v1");

/// The plugins. Of several forms of the same policies, the first that is served is used.
pub const PLUGINS: &[&[&[PolicyKind]]] = &[&[CILIUM], &[CALICO, CALICO_STORED]];

const fn calico(group: &'static str, version: &'static str) -> [PolicyKind; 2] {
    [
        PolicyKind { group, version, plural: "networkpolicies", kind: "Calico NetworkPolicy", namespaced: true },
        PolicyKind { group, version, plural: "globalnetworkpolicies", kind: "GlobalNetworkPolicy", namespaced: false },
    ]
}

/// Whether a policy only repeats one of Kubernetes: Calico's API server lists those too.
pub fn is_copy(name: &str) -> bool {
    name.starts_with("knp.default.")
}
