use super::virtual_mesh::{TrustingMesh, for_each_trusting};
use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-cacerts-missing",
    title: "The certificate of a mesh is issued, but its Secret does not exist",
    explanation: include_str!("cacerts_missing.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-cacerts",
    title: "each mesh with shared trust has the Secret of its certificate",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_trusting(context, |mesh| tell(context, mesh)))
};

fn tell(context: &RuleContext<'_>, mesh: &TrustingMesh<'_>) -> Result<Option<Finding>, String> {
    if let Some(why) = mesh.istio.cacerts.why_unsettled() {
        return Err(why);
    }
    if !mesh.istio.cacerts.is_absent() || mesh.waits_for_certificate() {
        return Ok(None);
    }
    let inside = mesh.remote.rules(context.expect);
    let (namespace, place) = (&mesh.istio.namespace, mesh.remote.shown());
    let agent = mesh.remote.agents().first().map(|agent| stack::name(&agent.metadata).to_owned());
    let log = agent.map(|agent| inside.kubectl().inspect(format!("logs deployment/{agent} --tail=100")));
    Ok(Some(
        DIAGNOSIS
            .finding()
            .title(format!("Secret {namespace}/cacerts does not exist in {place}"))
            .message(format!(
                "VirtualMesh {} gives mesh {} a certificate, and the agent writes it to this Secret. Without it, istiod \
                 signs with a root of its own, and requests between this mesh and the others fail.",
                mesh.virtual_mesh,
                mesh.mesh.name()
            ))
            .object(ObjectRef { kind: "Secret".into(), namespace: Some(namespace.clone()), name: "cacerts".into() })
            .evidence(format!("{place}: the API server has no Secret {namespace}/cacerts"))
            .remedy("read the log of the agent; it writes the Secret again after an event of its IssuedCertificate")
            .commands(log)
            .command(inside.kubectl_in(namespace).inspect("get secret cacerts"))
            .done(),
    ))
}
