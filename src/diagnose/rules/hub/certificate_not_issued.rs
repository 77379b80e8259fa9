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
    let certified = virtual_mesh::certified(&all)?;
    let mut findings = Vec::new();
    let mut open = None;
    for (virtual_mesh, mesh) in certified {
        match lack(&hub, virtual_mesh, mesh) {
            Ok(Some(lack)) => findings.push(found(context, &hub, virtual_mesh, mesh, lack)),
            Ok(None) => {}
            Err(why) => open = open.or(Some(why)),
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
    let remote = hub.remote_of(mesh);
    let of_agent = match &remote {
        Some(remote) => {
            let inside = remote.rules(context.expect);
            inside.hub().and_then(|own| log_of(&inside, &own, Component::Agents))
        }
        None => log_of(context, hub, Component::Agents).filter(|_| lack.is_here),
    };
    let of_networking = log_of(context, hub, Component::Networking);
    let logs = if lack.is_of_networking { [of_networking, of_agent] } else { [of_agent, of_networking] };
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
        .cluster(mesh.cluster_of_mesh())
        .evidences(lack.evidence)
        .remedy(lack.remedy)
        .commands(logs.into_iter().flatten())
        .done()
}

/// What keeps a mesh from its certificate.
struct Lack {
    state: String,
    meaning: &'static str,
    remedy: String,
    evidence: Vec<String>,
    /// Whether the agent of that mesh runs in this cluster.
    is_here: bool,
    /// Whether networking has to do the next step, rather than the agent.
    is_of_networking: bool,
}

/// What a mesh lacks. An error if the certificate could not be read.
fn lack(hub: &HubView<'_>, virtual_mesh: &VirtualMesh<'_>, mesh: &HubObject) -> Result<Option<Lack>, String> {
    let remote = hub.remote_of(mesh);
    if hub.era() == Some(Era::A) {
        return remote.map_or_else(|| Err(not_seen(mesh)), |remote| lack_of_era_a(&remote));
    }
    let of = |role: Role| {
        let objects = remote.as_ref().map_or_else(|| hub.of(role), |remote| remote.of(role));
        objects.items().iter().find(|object| object.name() == mesh.name())
    };
    let own = of(Role::IssuedCertificate);
    // Only releases since 1.1 copy the state into the mesh. The certificate itself is newer than its copy.
    let status = own.map(|certificate| &certificate.status).or_else(|| mesh.spec.get("issuedCertificateStatus"));
    let Some(status) = status else {
        return without_certificate(hub, virtual_mesh, mesh, remote.as_ref());
    };
    let state = state_of(status);
    if state == "FINISHED" {
        return Ok(None);
    }
    let request = of(Role::CertificateRequest);
    let of_request = request.map(|request| state_of(&request.status));
    let cluster = mesh.cluster_of_mesh();
    let (meaning, remedy, is_of_networking) = step(&state, of_request.as_deref(), cluster);
    let mut evidence = vec![format!("IssuedCertificate {}: {state}", mesh.name())];
    evidence.extend(error_of(status));
    evidence.extend(of_request.map(|state| format!("CertificateRequest {}: {state}", mesh.name())));
    evidence.extend(request.and_then(|request| error_of(&request.status)));
    let is_here = remote.is_none() && own.is_some();
    Ok(Some(Lack { state, meaning, remedy, evidence, is_here, is_of_networking }))
}

/// What the states of the certificate and of the request mean, what to do, and whether networking has to act.
fn step(certificate: &str, request: Option<&str>, cluster: &str) -> (&'static str, String, bool) {
    match (certificate, request) {
        (_, Some("FAILED")) => (
            "Networking could not sign the request. The agent asks again when its certificate changes.",
            "correct what the error of the CertificateRequest names".to_owned(),
            true,
        ),
        ("FAILED", _) => (
            "The agent starts again at once. If it waits for a ConfigMap istio-ca-root-cert, it replaces cacerts each time.",
            "correct what the error names".to_owned(),
            false,
        ),
        ("REQUESTED", Some("FINISHED")) => (
            "Networking has signed the request, and the agent has not taken the certificate yet.",
            format!("check that the agent of cluster {cluster} is running"),
            false,
        ),
        ("REQUESTED", _) => (
            "The agent has asked for it, and networking has not signed it, or the agent begins again after a failure.",
            format!("check that networking is running and can reach the API server of cluster {cluster}"),
            true,
        ),
        ("ISSUED", _) => (
            "The certificate is there. The agent waits for the restart of istiod or for the new root in the ConfigMaps \
             istio-ca-root-cert.",
            format!(
                "check in cluster {cluster} that istiod starts and writes ConfigMap istio-ca-root-cert, and that the agent \
                 may delete pods"
            ),
            false,
        ),
        _ => ("The agent has not seen it.", format!("check that the agent of cluster {cluster} is running"), false),
    }
}

fn error_of(status: &Value) -> Option<String> {
    let error = status["error"].as_str().filter(|error| !error.is_empty())?;
    Some(format!("error: {error}"))
}

/// A mesh of which neither the certificate nor the copy of its status exists.
fn without_certificate(
    hub: &HubView<'_>,
    virtual_mesh: &VirtualMesh<'_>,
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
            remedy: format!(
                "install cert-agent on cluster {}, which `meshctl cluster register` does",
                mesh.cluster_of_mesh()
            ),
            evidence: vec!["Mesh: spec.agentInfo is absent".into()],
            is_here: false,
            is_of_networking: true,
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
    let policy = &virtual_mesh.policy;
    let refused = policy.status.approval > Approval::Pending;
    let remedy = if refused {
        format!("correct what the errors of {} name: until then, networking does not create it", policy.shown())
    } else {
        let cluster = mesh.cluster_of_mesh();
        format!(
            "check that networking is running, can reach cluster {cluster}, and that the CRDs of certificates exist there"
        )
    };
    let errors = policy.status.errors.iter().filter(|_| refused).map(|error| format!("{}: {error}", policy.shown()));
    Ok(Some(Lack {
        state: "it was not requested".into(),
        meaning: "Networking creates the IssuedCertificate, and has not done it.",
        remedy,
        evidence: [evidence].into_iter().chain(errors).collect(),
        is_here: false,
        is_of_networking: true,
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
        remedy: format!("correct what the message names, and check that csr-agent is running in {}", remote.shown()),
        evidence,
        is_here: false,
        is_of_networking: false,
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
