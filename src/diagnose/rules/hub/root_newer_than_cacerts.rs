use super::virtual_mesh::{TrustingMesh, for_each_trusting};
use crate::diagnose::rules::prelude::*;

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
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_trusting(context, |mesh| tell(context, mesh)))
};

fn tell(context: &RuleContext<'_>, mesh: &TrustingMesh<'_>) -> Result<Option<Finding>, String> {
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
    // The times are of two API servers.
    if written + CLOCK_SKEW >= replaced {
        return Ok(None);
    }
    let (namespace, place) = (&mesh.istio.namespace, mesh.remote.shown());
    let install = &context.facts.target.namespace;
    Ok(Some(
        DIAGNOSIS
            .finding()
            .title(format!("The certificate of {place} is from a root that was replaced"))
            .message(format!(
                "The controllers generated a new root of trust for VirtualMesh {} after this mesh had got its certificate. \
                 The meshes trust each other as long as all have certificates of the old root. The next \
                 certificate is of the new root, and requests between its mesh and this one fail.",
                mesh.virtual_mesh
            ))
            .object(ObjectRef { kind: "Secret".into(), namespace: Some(install.clone()), name: mesh.virtual_mesh.clone() })
            .evidence(format!("Secret {install}/{} was created at {replaced}", mesh.virtual_mesh))
            .evidence(format!("{place}: Secret {namespace}/cacerts was written at {written}"))
            .remedy(
                "issue the certificates of all clusters again at a time when a short interruption is acceptable: delete the \
                 IssuedCertificates, and restart istiod and the workloads when the new ones are FINISHED",
            )
            .command(context.kubectl_in(install).inspect(format!("get secret {} -o jsonpath={{.metadata}}", mesh.virtual_mesh)))
            .done(),
    ))
}
