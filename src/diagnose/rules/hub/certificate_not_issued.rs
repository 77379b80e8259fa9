use super::{hub_of, log_of, virtual_mesh};
use crate::{
    diagnose::{hub::HubView, rules::prelude::*},
    facts::hub::HubObject,
    stack::hub::{Era, Role},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-certificate-not-issued",
    title: "A mesh does not have the certificate of its virtual mesh yet",
    explanation: include_str!("certificate_not_issued.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::fault(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-certificates",
    title: "each mesh of a virtual mesh has its certificate",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let all = virtual_mesh::all(&hub);
    if hub.era() == Some(Era::A) {
        return Outcome::skip("in this release, the virtual mesh itself says it");
    }
    let trusting: Vec<_> = all.iter().filter(|it| it.shares_trust()).collect();
    if trusting.is_empty() {
        return Outcome::skip("no virtual mesh has shared trust");
    }
    let mut findings = Vec::new();
    for virtual_mesh in trusting {
        for mesh in &virtual_mesh.meshes {
            let Some(lack) = lack(&hub, mesh) else { continue };
            let cluster = mesh.cluster_of_mesh();
            findings.push(
                DIAGNOSIS
                    .finding()
                    .title(format!("The certificate of mesh {} is not finished: {}", mesh.name(), lack.state))
                    .message(format!(
                        "{} asks for one root of trust, and this mesh may not use it yet. Requests between it and the \
                         other meshes can fail. {}",
                        virtual_mesh.policy.shown(),
                        lack.meaning
                    ))
                    .object(ObjectRef {
                        kind: "Mesh".into(),
                        namespace: Some(mesh.namespace().into()),
                        name: mesh.name().into(),
                    })
                    .evidences(lack.evidence)
                    .remedy(format!("{} on cluster {cluster}", lack.remedy))
                    .commands(log_of(context, &hub, Component::Agents).filter(|_| lack.is_here))
                    .commands(log_of(context, &hub, Component::Networking))
                    .done(),
            );
        }
    }
    Outcome::of(findings)
}

/// What keeps a mesh from its certificate.
struct Lack {
    state: String,
    meaning: &'static str,
    remedy: &'static str,
    evidence: Vec<String>,
    /// Whether the agent of that mesh runs in this cluster.
    is_here: bool,
}

fn lack(hub: &HubView<'_>, mesh: &HubObject) -> Option<Lack> {
    // Only releases since 1.1 copy the state into the mesh. On this cluster, the certificate itself can be read.
    let own = hub.of(Role::IssuedCertificate).items().iter().find(|certificate| certificate.name() == mesh.name());
    let copy = mesh.spec.get("issuedCertificateStatus");
    if own.is_none() && copy.is_none() {
        // Up to 1.0, the certificate of another cluster cannot be seen from here.
        let has_agent = mesh.spec.pointer("/agentInfo/agentNamespace").is_some();
        return (!has_agent && mesh.spec.get("istio").is_some()).then(|| Lack {
            state: "there is no agent".into(),
            meaning: "Without the agent, no certificate is asked for. Networking says so at debug level only.",
            remedy: "install cert-agent, which `meshctl cluster register` does,",
            evidence: vec!["Mesh: spec.agentInfo is absent".into()],
            is_here: false,
        });
    }
    // The certificate itself is newer than its copy.
    let status = own.map_or(copy, |certificate| Some(&certificate.status));
    let text = |field: &str| status.and_then(|status| status[field].as_str()).unwrap_or_default().to_owned();
    let (state, error) = (text("state"), text("error"));
    let (meaning, remedy) = match state.as_str() {
        "FINISHED" => return None,
        "FAILED" => ("The agent tries again when anything changes.", "correct what the error names"),
        "REQUESTED" => (
            "The agent has asked for it, and networking has not signed it, or the agent begins again after a failure.",
            "check that networking is running and can reach the API server",
        ),
        "ISSUED" => (
            "The certificate is there. The agent waits for the restart of istiod or for the new root in the ConfigMaps \
             istio-ca-root-cert.",
            "check that istiod starts",
        ),
        _ => ("The agent has not seen it.", "check that cert-agent is running"),
    };
    let shown = if state.is_empty() { "PENDING".to_owned() } else { state };
    let mut evidence = vec![format!("IssuedCertificate {}: {shown}", mesh.name())];
    evidence.extend((!error.is_empty()).then(|| format!("error: {error}")));
    Some(Lack { state: shown, meaning, remedy, evidence, is_here: own.is_some() })
}
