use k8s_openapi::jiff::Timestamp;

use super::virtual_mesh::{TrustingMesh, for_each_trusting};
use crate::{diagnose::rules::prelude::*, facts::hub::SecretFact, stack::base::words::count};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-root-newer-than-cacerts",
    title: "The root of trust is newer than the certificate of a mesh",
    explanation: include_str!("root_newer_than_cacerts.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-root-of-certificates",
    title: "the certificate of each mesh is from the present root of trust",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_trusting(context, |mesh, all| tell(context, mesh, all)))
};

fn tell(
    context: &RuleContext<'_>,
    mesh: &TrustingMesh<'_>,
    all: &[TrustingMesh<'_>],
) -> Result<Option<Finding>, String> {
    // A root that the user provides has another name and can be older than any certificate.
    let Some(root) = context.facts.hub.as_deref().and_then(|hub| hub.roots.get(&mesh.virtual_mesh)) else {
        return Ok(None);
    };
    if let Some(why) = root.why_unsettled() {
        let context = context.facts.target.context.as_deref().unwrap_or_default();
        return Err(format!("the root of trust in context {context}: {why}"));
    }
    if let Some(why) = mesh.istio.cacerts.why_unsettled() {
        return Err(why);
    }
    let (Some(root), Some(cacerts)) = (root.known(), mesh.istio.cacerts.known()) else {
        return Ok(None);
    };
    let (Some(replaced), Some(written)) = (root.since(), cacerts.since()) else {
        return Ok(None);
    };
    if !is_older(written, replaced) {
        return Ok(None);
    }
    let others = all.iter().filter(|other| other.virtual_mesh == mesh.virtual_mesh);
    let since = |other: &TrustingMesh<'_>| other.istio.cacerts.known().and_then(SecretFact::since);
    let renewed = others.clone().find(|other| since(other).is_some_and(|since| !is_older(since, replaced)));
    let consequence = match renewed {
        Some(other) => format!(
            "Mesh {} has a certificate of the new root, so requests between it and this mesh fail.",
            other.mesh.name()
        ),
        None => {
            "The meshes trust each other as long as all have certificates of the old root. The next certificate is of \
                 the new root, and requests between its mesh and this one fail."
                .to_owned()
        }
    };
    let unseen = mesh.size.saturating_sub(others.count());
    let unseen =
        (unseen > 0).then(|| format!("{} not looked at", count(unseen, "other mesh was", "other meshes were")));
    let (namespace, place) = (&mesh.istio.namespace, mesh.remote.shown());
    let install = &context.facts.target.namespace;
    Ok(Some(
        DIAGNOSIS
            .finding()
            .title(format!("The certificate of {place} is from a root that was replaced"))
            .severity(if renewed.is_some() { Severity::Error } else { Severity::Warning })
            .message(format!(
                "The controllers generated a new root of trust for VirtualMesh {} after this mesh had got its certificate. \
                 {consequence}",
                mesh.virtual_mesh
            ))
            .cluster(mesh.cluster())
            .object(ObjectRef { kind: "Secret".into(), namespace: Some(install.clone()), name: mesh.virtual_mesh.clone() })
            .evidence(format!("Secret {install}/{} was written at {replaced}", mesh.virtual_mesh))
            .evidence(format!("{place}: Secret {namespace}/cacerts was written at {written}"))
            .evidences(unseen)
            .remedy(
                "issue the certificates of all clusters again, at a time when a short interruption is acceptable: with an \
                 accepted VirtualMesh, delete Secret cacerts in each cluster, and restart istiod and the workloads when the \
                 IssuedCertificates are FINISHED",
            )
            .command(mesh.remote.rules(context.expect).kubectl_in(namespace).delete("secret cacerts"))
            .done(),
    ))
}

/// Whether a certificate is older than a root. The times are of two API servers.
fn is_older(certificate: Timestamp, root: Timestamp) -> bool {
    certificate + CLOCK_SKEW < root
}
