//! Service Mesh Hub and Gloo Mesh, its later name: the kinds of each era, and the names of what is installed.
//!
//! The eras differ in the API groups and in the names of the discovered objects. They are found by the groups that the API
//! server serves. The facts are from the manifests of the public releases 0.4 to 1.2.

use serde::{Deserialize, Serialize};

/// An era, named like those of the releases' `meshctl check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Era {
    /// Service Mesh Hub 0.4 to 0.6.
    A,
    /// Service Mesh Hub 0.7 to 0.9.
    B,
    /// Gloo Mesh 0.10 to 0.12.
    C,
    /// Gloo Mesh 1.0 to 1.2.
    D,
}

impl Era {
    /// The product's name in that era.
    pub fn product(self) -> &'static str {
        match self {
            Self::A | Self::B => "Service Mesh Hub",
            Self::C | Self::D => "Gloo Mesh",
        }
    }

    /// The releases.
    pub fn releases(self) -> &'static str {
        match self {
            Self::A => "0.4 to 0.6",
            Self::B => "0.7 to 0.9",
            Self::C => "0.10 to 0.12",
            Self::D => "1.0 to 1.2",
        }
    }

    /// The default namespace.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::A | Self::B => "service-mesh-hub",
            Self::C | Self::D => "gloo-mesh",
        }
    }
}

/// The API groups of one era: all end with the suffix, and have the same version.
#[derive(Debug, PartialEq, Eq)]
pub struct Generation {
    /// The era.
    pub era: Era,
    /// The end of the API groups.
    pub suffix: &'static str,
    /// The version in these groups.
    pub version: &'static str,
}

/// Every generation, newest first.
pub static GENERATIONS: [Generation; 5] = [
    Generation { era: Era::D, suffix: "mesh.gloo.solo.io", version: "v1" },
    Generation { era: Era::C, suffix: "mesh.gloo.solo.io", version: "v1alpha2" },
    Generation { era: Era::B, suffix: "smh.solo.io", version: "v1alpha2" },
    Generation { era: Era::A, suffix: "smh.solo.io", version: "v1alpha1" },
    Generation { era: Era::A, suffix: "zephyr.solo.io", version: "v1alpha1" },
];

/// The `apiVersion` of `KubernetesCluster` since era B.
const MULTICLUSTER: &str = "multicluster.solo.io/v1alpha1";

/// The usual namespace of Istio.
pub const ISTIO_NAMESPACE: &str = "istio-system";

/// What the objects of a kind are, in every era.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// How traffic is routed.
    TrafficPolicy,
    /// Who may access what.
    AccessPolicy,
    /// Meshes that share certificates, and services.
    VirtualMesh,
    /// Services that replace each other.
    FailoverService,
    /// The settings of the installation.
    Settings,
    /// A discovered service mesh.
    Mesh,
    /// A discovered workload of a mesh.
    Workload,
    /// A discovered service to which policies apply.
    Target,
    /// A registered cluster.
    Cluster,
    /// A certificate that a mesh should have.
    IssuedCertificate,
    /// The request for such a certificate.
    CertificateRequest,
}

impl Role {
    /// The policies: what users write, and what has a state.
    pub const POLICIES: [Self; 4] = [Self::TrafficPolicy, Self::AccessPolicy, Self::VirtualMesh, Self::FailoverService];
    /// What controllers and agents write in the registered clusters.
    pub const CERTIFICATES: [Self; 2] = [Self::IssuedCertificate, Self::CertificateRequest];
}

/// One kind of custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubKind {
    /// What its objects are.
    pub role: Role,
    /// The kind.
    pub kind: &'static str,
    /// The plural name in paths and permissions.
    pub plural: &'static str,
    /// The `apiVersion`.
    pub api_version: String,
}

impl HubKind {
    /// The name of its query in recordings and timings.
    pub fn query(&self) -> String {
        format!("hub/{}", self.plural)
    }
}

impl Generation {
    /// The generation whose discovered meshes are in this `group/version`.
    pub fn of(group_version: &str) -> Option<&'static Self> {
        let rest = group_version.strip_prefix("discovery.")?;
        GENERATIONS
            .iter()
            .find(|it| rest.strip_prefix(it.suffix).and_then(|rest| rest.strip_prefix('/')) == Some(it.version))
    }

    /// The newest generation of which one of these `group/version`s is served.
    pub fn served<'a>(group_versions: impl Iterator<Item = &'a str>) -> Option<&'static Self> {
        let served: Vec<&Self> = group_versions.filter_map(Self::of).collect();
        GENERATIONS.iter().find(|it| served.contains(it))
    }

    /// The `group/version` of the discovered meshes, by which the generation is recognized.
    pub fn group_version(&self) -> String {
        self.in_group("discovery")
    }

    fn in_group(&self, group: &str) -> String {
        format!("{group}.{}/{}", self.suffix, self.version)
    }

    /// The kinds of this era.
    pub fn kinds(&self) -> Vec<HubKind> {
        let kind = |role, kind, plural, group: &str| HubKind { role, kind, plural, api_version: self.in_group(group) };
        let mut kinds = vec![
            kind(Role::Mesh, "Mesh", "meshes", "discovery"),
            kind(Role::TrafficPolicy, "TrafficPolicy", "trafficpolicies", "networking"),
            kind(Role::VirtualMesh, "VirtualMesh", "virtualmeshes", "networking"),
        ];
        if self.era != Era::D {
            kinds.push(kind(Role::FailoverService, "FailoverService", "failoverservices", "networking"));
        }
        if self.era == Era::A {
            kinds.extend([
                kind(Role::AccessPolicy, "AccessControlPolicy", "accesscontrolpolicies", "networking"),
                kind(Role::Workload, "MeshWorkload", "meshworkloads", "discovery"),
                kind(Role::Target, "MeshService", "meshservices", "discovery"),
                kind(Role::Cluster, "KubernetesCluster", "kubernetesclusters", "discovery"),
                kind(Role::Settings, "Settings", "settings", "core"),
                kind(
                    Role::CertificateRequest,
                    "VirtualMeshCertificateSigningRequest",
                    "virtualmeshcertificatesigningrequests",
                    "security",
                ),
            ]);
            return kinds;
        }
        let (target, targets) =
            if self.era == Era::D { ("Destination", "destinations") } else { ("TrafficTarget", "traffictargets") };
        kinds.extend([
            kind(Role::AccessPolicy, "AccessPolicy", "accesspolicies", "networking"),
            kind(Role::Workload, "Workload", "workloads", "discovery"),
            kind(Role::Target, target, targets, "discovery"),
            kind(Role::Settings, "Settings", "settings", "settings"),
            kind(Role::IssuedCertificate, "IssuedCertificate", "issuedcertificates", "certificates"),
            kind(Role::CertificateRequest, "CertificateRequest", "certificaterequests", "certificates"),
            HubKind {
                role: Role::Cluster,
                kind: "KubernetesCluster",
                plural: "kubernetesclusters",
                api_version: MULTICLUSTER.to_owned(),
            },
        ]);
        kinds
    }

    /// The kind of this role. `None` if the era has none.
    pub fn kind(&self, role: Role) -> Option<HubKind> {
        self.kinds().into_iter().find(|kind| kind.role == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_is_found_by_the_served_groups() {
        let era = |served: &[&str]| Generation::served(served.iter().copied()).map(|it| it.era);
        assert_eq!(era(&["apps/v1", "discovery.mesh.gloo.solo.io/v1"]), Some(Era::D));
        assert_eq!(era(&["discovery.mesh.gloo.solo.io/v1alpha2"]), Some(Era::C));
        assert_eq!(era(&["discovery.smh.solo.io/v1alpha2", "discovery.zephyr.solo.io/v1alpha1"]), Some(Era::B));
        assert_eq!(era(&["discovery.smh.solo.io/v1alpha1"]), Some(Era::A));
        assert_eq!(era(&["discovery.zephyr.solo.io/v1alpha1"]), Some(Era::A));
        assert_eq!(era(&["networking.mesh.gloo.solo.io/v1", "discovery.k8s.io/v1"]), None);
    }

    #[test]
    fn each_role_has_at_most_one_kind() {
        for generation in &GENERATIONS {
            let mut roles: Vec<Role> = generation.kinds().iter().map(|kind| kind.role).collect();
            let all = roles.len();
            roles.sort();
            roles.dedup();
            assert_eq!(roles.len(), all, "{generation:?}");
        }
    }
}
