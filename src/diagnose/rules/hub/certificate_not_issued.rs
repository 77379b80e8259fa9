use serde_json::Value;

use super::{
    hub_of, log_of,
    virtual_mesh::{self, VirtualMesh},
};
use crate::{
    diagnose::{
        hub::{HubView, RemoteView},
        rules::prelude::*,
    },
    facts::hub::{Approval, HubObject},
    stack::hub::{Era, Role},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-certificate-not-issued",
    title: "A mesh does not have the certificate of its virtual mesh yet",
    explains: &["smh-cacerts-missing"],
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
    if hub.era() == Some(Era::A) && hub.remotes().next().is_none() {
        return Outcome::skip("in this release, the virtual mesh itself says it");
    }
    let all = virtual_mesh::all(&hub);
    // An invalid virtual mesh gives no certificates.
    let trusting = all.iter().filter(|it| it.shares_trust() && it.policy.status.approval != Approval::Invalid);
    let trusting: Vec<_> = trusting.collect();
    if trusting.is_empty() {
        return Outcome::skip("no virtual mesh has shared trust");
    }
    let mut findings = Vec::new();
    let mut open = None;
    for virtual_mesh in trusting {
        for mesh in &virtual_mesh.meshes {
            match lack(&hub, mesh) {
                Ok(Some(lack)) => findings.push(found(context, &hub, virtual_mesh, mesh, lack)),
                Ok(None) => {}
                Err(why) => open = open.or(Some(why)),
            }
        }
    }
    Outcome::of_or_unknown(findings, open)
}

fn found(
    context: &RuleContext<'_>,
    hub: &HubView<'_>,
    virtual_mesh: &VirtualMesh<'_>,
    mesh: &HubObject,
    lack: Lack,
) -> Finding {
    let cluster = mesh.cluster_of_mesh();
    let remote = hub.remote_of(mesh);
    let of_agent = match &remote {
        Some(remote) => {
            let inside = remote.rules(context.expect);
            inside.hub().and_then(|own| log_of(&inside, &own, Component::Agents))
        }
        None => log_of(context, hub, Component::Agents).filter(|_| lack.is_here),
    };
    DIAGNOSIS
        .finding()
        .title(format!("The certificate of mesh {} is not finished: {}", mesh.name(), lack.state))
        .message(format!(
            "{} asks for one root of trust, and this mesh may not use it yet. Requests between it and the other meshes \
             can fail. {}",
            virtual_mesh.policy.shown(),
            lack.meaning
        ))
        .object(ObjectRef { kind: "Mesh".into(), namespace: Some(mesh.namespace().into()), name: mesh.name().into() })
        .evidences(lack.evidence)
        .remedy(format!("{} on cluster {cluster}", lack.remedy))
        .commands(of_agent)
        .commands(log_of(context, hub, Component::Networking))
        .done()
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

/// What a mesh lacks. An error if the certificate could not be read.
fn lack(hub: &HubView<'_>, mesh: &HubObject) -> Result<Option<Lack>, String> {
    let remote = hub.remote_of(mesh);
    if hub.era() == Some(Era::A) {
        return remote.map_or_else(|| Err(not_seen(mesh)), |remote| lack_of_era_a(&remote));
    }
    let named = |objects: &'_ Seen<Vec<HubObject>>| objects.items().iter().find(|it| it.name() == mesh.name()).cloned();
    let own = match &remote {
        Some(remote) => named(remote.of(Role::IssuedCertificate)),
        None => named(hub.of(Role::IssuedCertificate)),
    };
    // Only releases since 1.1 copy the state into the mesh. The certificate itself is newer than its copy.
    let status =
        own.as_ref().map(|certificate| &certificate.status).or_else(|| mesh.spec.get("issuedCertificateStatus"));
    let Some(status) = status else {
        return without_certificate(hub, mesh, remote.as_ref());
    };
    let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
    let (state, error) = (text("state"), text("error"));
    let (meaning, remedy) = match state.as_str() {
        "FINISHED" => return Ok(None),
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
    let request = remote.as_ref().and_then(|remote| named(remote.of(Role::CertificateRequest)));
    evidence
        .extend(request.map(|request| format!("CertificateRequest {}: {}", request.name(), state_of(&request.status))));
    let is_here = remote.is_none() && own.is_some();
    Ok(Some(Lack { state: shown, meaning, remedy, evidence, is_here }))
}

/// A mesh of which neither the certificate nor the copy of its status exists.
fn without_certificate(
    hub: &HubView<'_>,
    mesh: &HubObject,
    remote: Option<&RemoteView<'_>>,
) -> Result<Option<Lack>, String> {
    if mesh.spec.get("istio").is_none() {
        return Ok(None);
    }
    if mesh.spec.pointer("/agentInfo/agentNamespace").is_none() {
        return Ok(Some(Lack {
            state: "there is no agent".into(),
            meaning: "Without the agent, no certificate is asked for. Networking says so at debug level only.",
            remedy: "install cert-agent, which `meshctl cluster register` does,",
            evidence: vec!["Mesh: spec.agentInfo is absent".into()],
            is_here: false,
        }));
    }
    let evidence = match remote.map(|remote| (remote, remote.of(Role::IssuedCertificate))) {
        Some((remote, seen)) => match seen.why_unsettled() {
            Some(why) => return Err(remote.open(&why)),
            None => format!("{}: there is no IssuedCertificate {}", remote.shown(), mesh.name()),
        },
        None if hub.version() >= Some((1, 1)) => "Mesh: spec.issuedCertificateStatus is absent".to_owned(),
        None => return Err(not_seen(mesh)),
    };
    Ok(Some(Lack {
        state: "it was not requested".into(),
        meaning: "Networking creates the IssuedCertificate, and has not done it.",
        remedy: "check that networking is running, can reach that cluster, and that the CRDs of certificates exist",
        evidence: vec![evidence],
        is_here: false,
    }))
}

/// Era A has one object for the request and the certificate.
fn lack_of_era_a(remote: &RemoteView<'_>) -> Result<Option<Lack>, String> {
    let requests = remote.of(Role::CertificateRequest);
    if let Some(why) = requests.why_unsettled() {
        return Err(remote.open(&why));
    }
    let state = |request: &HubObject| state_of(&request.status["computedStatus"]);
    let Some(request) = requests.items().iter().find(|request| state(request) != "ACCEPTED") else {
        return Ok(None);
    };
    let message = request.status.pointer("/computedStatus/message").and_then(|text| text.as_str()).unwrap_or_default();
    let mut evidence = vec![format!("VirtualMeshCertificateSigningRequest {}: {}", request.name(), state(request))];
    evidence.extend((!message.is_empty()).then(|| format!("message: {message}")));
    Ok(Some(Lack {
        state: state(request),
        meaning: "csr-agent asks, mesh-networking signs, and csr-agent writes Secret cacerts. csr-agent logs errors at debug \
                  level only.",
        remedy: "correct what the message names, and check that csr-agent is running",
        evidence,
        is_here: false,
    }))
}

/// The state in a status. It is omitted if it is the first one.
fn state_of(status: &Value) -> String {
    status["state"].as_str().filter(|state| !state.is_empty()).unwrap_or("PENDING").to_owned()
}

fn not_seen(mesh: &HubObject) -> String {
    let cluster = mesh.cluster_of_mesh();
    format!("the certificate of cluster {cluster} is in that cluster, which needs --remote-context")
}
