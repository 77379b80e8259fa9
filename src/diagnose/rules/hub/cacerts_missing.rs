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
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_trusting(context, |mesh, _| tell(context, mesh)))
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
    let commands = agent.map(|agent| {
        let log = inside.kubectl().inspect(format!("logs deployment/{agent} --tail=100"));
        [log, inside.kubectl().change(format!("rollout restart deployment/{agent}"))]
    });
    Ok(Some(
        DIAGNOSIS
            .finding()
            .title(format!("Secret {namespace}/cacerts does not exist in {place}"))
            .message(format!(
                "VirtualMesh {} gives mesh {} a certificate, and the agent writes it to this Secret. A running agent \
                 writes a deleted Secret again within seconds. An istiod that starts without it signs with a root of its \
                 own, and then requests between this mesh and the others fail.",
                mesh.virtual_mesh,
                mesh.mesh.name()
            ))
            .object(ObjectRef { kind: "Secret".into(), namespace: Some(namespace.clone()), name: "cacerts".into() })
            .cluster(mesh.cluster())
            .evidence(format!("{place}: the API server has no Secret {namespace}/cacerts"))
            .remedy("read the log of the agent, and restart it: it looks at every certificate when it starts")
            .commands(commands.into_iter().flatten())
            .done(),
    ))
}
