//! What several diagnoses need to know about virtual meshes.

use crate::{
    diagnose::{
        hub::{HubView, Policy, RemoteView},
        rules::prelude::*,
    },
    facts::hub::{Approval, HubObject, IstioFacts, TargetStatus},
    stack::hub::{Era, Role},
};

/// Why a check that needs `--remote-context` is skipped.
pub(super) const NO_REMOTE: &str = "no --remote-context was given";

/// Whether an entry in the status of a virtual mesh is about its federation.
pub(super) fn is_about_federation(policy: &Policy<'_>, entry: &TargetStatus) -> bool {
    policy.kind.role == Role::VirtualMesh && entry.errors.iter().any(|error| is_federation_error(error))
}

/// Whether an error is about federation: a gateway, or the name under which a service is reached.
pub(super) fn is_federation_error(error: &str) -> bool {
    ["ingress gateway", "smart DNS proxying", "federat"].iter().any(|words| error.contains(words))
}

/// What an error of a virtual mesh means. `None` if the error says enough.
pub(super) fn meaning(error: &str) -> Option<&'static str> {
    const MEANINGS: [(&str, &str); 4] = [
        (
            "already is grouped in a VirtualMesh",
            "A mesh can be in one virtual mesh only. The first by name is applied, even if it is the invalid one.",
        ),
        (
            "No ca source specified",
            "Since 1.1, a shared trust model needs a certificate authority: rootCertificateAuthority.generated or a Secret.",
        ),
        ("No root ca source specified", "A shared trust model needs rootCertificateAuthority.generated or a Secret."),
        (
            "Could not find provided ca signing secret",
            "The Secret of the certificate authority does not exist, so no new certificate is issued.",
        ),
    ];
    MEANINGS.iter().find(|(words, _)| error.contains(words)).map(|(_, meaning)| *meaning)
}

/// A virtual mesh and those of its meshes that were discovered.
pub(super) struct VirtualMesh<'a> {
    pub(super) policy: Policy<'a>,
    pub(super) meshes: Vec<&'a HubObject>,
}

impl VirtualMesh<'_> {
    /// Whether services of one mesh are made reachable from the others.
    pub(super) fn federates(&self, era: Option<Era>) -> bool {
        let federation = &self.policy.object.spec["federation"];
        let several = self.policy.object.spec["meshes"].as_array().is_some_and(|meshes| meshes.len() > 1);
        let selects = federation["selectors"].as_array().is_some_and(|selectors| !selectors.is_empty());
        // In era A, an absent mode federates.
        several && (selects || federation["permissive"].is_object() || era == Some(Era::A))
    }

    /// Whether its meshes should trust each other through certificates of one root.
    pub(super) fn shares_trust(&self) -> bool {
        let spec = &self.policy.object.spec;
        spec.pointer("/mtlsConfig/shared").is_some() || spec.get("shared").is_some()
    }

    /// Whether it gives a mesh a certificate. An invalid one does if only its federation has errors.
    pub(super) fn certifies(&self, mesh: &HubObject) -> bool {
        let policy = &self.policy;
        if !self.shares_trust() {
            return false;
        }
        if policy.status.approval != Approval::Invalid {
            return true;
        }
        let applied = &mesh.status["appliedVirtualMesh"]["ref"];
        let is_applied = applied["name"] == policy.object.name() && applied["namespace"] == policy.object.namespace();
        let entry = policy.status.meshes.iter().find(|entry| entry.key == mesh.key());
        let mut errors = entry.into_iter().flat_map(|entry| &entry.errors).chain(&policy.status.errors);
        is_applied && errors.all(|error| is_federation_error(error))
    }
}

/// Every mesh to which a virtual mesh gives a certificate, with that virtual mesh. Without any, the check is skipped.
pub(super) fn certified<'a, 'b>(
    all: &'b [VirtualMesh<'a>],
) -> Result<Vec<(&'b VirtualMesh<'a>, &'a HubObject)>, Undecided> {
    let meshes = all.iter().flat_map(|it| it.meshes.iter().map(move |mesh| (it, *mesh)));
    let certified: Vec<_> = meshes.filter(|(it, mesh)| it.certifies(mesh)).collect();
    if !certified.is_empty() {
        return Ok(certified);
    }
    let mut trusting = all.iter().filter(|it| it.shares_trust()).peekable();
    let why = if trusting.peek().is_none() {
        "no virtual mesh has shared trust"
    } else if trusting.all(|it| it.meshes.is_empty()) {
        "no mesh of a virtual mesh is discovered"
    } else {
        "the virtual mesh with shared trust is invalid"
    };
    Err(Undecided::Skip(why.to_owned()))
}

/// Every virtual mesh.
pub(super) fn all<'a>(hub: &HubView<'a>) -> Vec<VirtualMesh<'a>> {
    let policies = hub.policies().iter().filter(|policy| policy.kind.role == Role::VirtualMesh).cloned();
    policies
        .map(|policy| {
            let refs = policy.object.spec["meshes"].as_array().into_iter().flatten();
            let keys: Vec<String> = refs
                .filter_map(|it| Some(format!("{}.{}.", it["name"].as_str()?, it["namespace"].as_str()?)))
                .collect();
            let meshes = keys.iter().filter_map(|key| hub.with_key(Role::Mesh, key)).collect();
            VirtualMesh { policy, meshes }
        })
        .collect()
}

/// A mesh that should have a certificate of its virtual mesh, in a cluster that was looked at.
pub(super) struct TrustingMesh<'a> {
    /// The virtual mesh: `name.namespace`.
    pub(super) virtual_mesh: String,
    /// The number of meshes in the virtual mesh.
    pub(super) size: usize,
    pub(super) mesh: &'a HubObject,
    pub(super) remote: RemoteView<'a>,
    pub(super) istio: &'a IstioFacts,
}

impl TrustingMesh<'_> {
    /// The registered cluster.
    pub(super) fn cluster(&self) -> &str {
        self.mesh.cluster_of_mesh()
    }

    /// Whether its certificate is requested and not issued, which another code says.
    pub(super) fn waits_for_certificate(&self) -> bool {
        let certificates = self.remote.of(Role::IssuedCertificate).items();
        let own = certificates.iter().find(|certificate| certificate.name() == self.mesh.name());
        own.is_some_and(|certificate| certificate.status["state"] != "FINISHED")
    }
}

/// One finding for each such mesh of which `tell` has one. It receives the mesh and all of them, and returns an error for
/// what could not be read.
pub(super) fn for_each_trusting<'a>(
    context: &RuleContext<'a>,
    tell: impl Fn(&TrustingMesh<'a>, &[TrustingMesh<'a>]) -> Result<Option<Finding>, String>,
) -> Judgement {
    let hub = super::hub_of(context)?;
    if hub.remotes().next().is_none() {
        return Outcome::skip(NO_REMOTE);
    }
    let all = all(&hub);
    let trusting = certified(&all)?.into_iter().filter_map(|(it, mesh)| {
        let remote = hub.remote_of(mesh)?;
        let virtual_mesh = format!("{}.{}", it.policy.object.name(), it.policy.object.namespace());
        Some(TrustingMesh { virtual_mesh, size: it.meshes.len(), mesh, remote, istio: remote.istio(mesh)? })
    });
    let trusting: Vec<TrustingMesh<'a>> = trusting.collect();
    let mut open = hub.remotes().find_map(|remote| remote.obstacle());
    if trusting.is_empty() && open.is_none() {
        return Outcome::skip("no cluster of --remote-context has a mesh with shared trust");
    }
    let mut findings = Vec::new();
    for mesh in &trusting {
        match tell(mesh, &trusting) {
            Ok(finding) => findings.extend(finding),
            Err(why) => open = open.or_else(|| Some(mesh.remote.open(&why))),
        }
    }
    if findings.is_empty() && open.is_none() {
        let clusters: Vec<&str> = trusting.iter().map(TrustingMesh::cluster).collect();
        return Outcome::pass_with(clusters.join(", "));
    }
    Outcome::of_or_unknown(findings, open)
}
