//! What several diagnoses need to know about virtual meshes.

use crate::{
    diagnose::hub::{HubView, Policy},
    facts::hub::{HubObject, TargetStatus},
    stack::hub::{Era, Role},
};

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
            "The Secret of the certificate authority does not exist, so no certificate is issued.",
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
}

/// Every virtual mesh.
pub(super) fn all<'a>(hub: &HubView<'a>) -> Vec<VirtualMesh<'a>> {
    let policies = hub.policies().into_iter().filter(|policy| policy.kind.role == Role::VirtualMesh);
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
