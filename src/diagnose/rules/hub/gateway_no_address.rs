use serde_json::Value;

use super::{hub_of, virtual_mesh};
use crate::{
    diagnose::{hub::HubView, rules::prelude::*},
    facts::hub::{Approval, Gateway, HubObject},
    stack::hub::Era,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-gateway-no-address",
    title: "The ingress gateway of a federated mesh has no address",
    explanation: include_str!("gateway_no_address.md"),
    cure: Cure::Person(because::CAPACITY),
    ..Diagnosis::fault(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-gateways-have-addresses",
    title: "the ingress gateway of each federated mesh has an address",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    if hub.era() == Some(Era::A) && hub.remotes().next().is_none() {
        return Outcome::skip("in this release, the virtual mesh itself says it");
    }
    let federated: Vec<_> = virtual_mesh::all(&hub).into_iter().filter(|it| it.federates(hub.era())).collect();
    if federated.is_empty() {
        return Outcome::skip("no virtual mesh federates several meshes");
    }
    if federated.iter().all(|it| it.policy.status.approval == Approval::Invalid) {
        return Outcome::skip("the virtual mesh is invalid, and its errors name the gateways");
    }
    let mut findings = Vec::new();
    for virtual_mesh in &federated {
        for mesh in &virtual_mesh.meshes {
            // An invalid one says itself what is wrong with a gateway.
            if virtual_mesh.policy.status.approval == Approval::Invalid {
                continue;
            }
            let services = hub.remote_of(mesh).and_then(|remote| Some((remote, remote.istio(mesh)?)));
            let known = services.and_then(|(_, istio)| istio.gateways.known());
            let lack = match hub.era() {
                Some(Era::A) => known.filter(|gateways| !gateways.iter().any(Gateway::is_usable)).map(|_| {
                    "Service Mesh Hub 0.4 to 0.6 uses the Service with the selector istio: ingressgateway".to_owned()
                }),
                _ => lack(mesh, hub.is_before_1_1()),
            };
            let Some(lack) = lack else { continue };
            let cluster = mesh.cluster_of_mesh();
            let namespace = mesh.istio_namespace_or_default();
            let inside = services.map(|(remote, _)| remote.rules(context.expect));
            findings.push(
                DIAGNOSIS
                    .finding()
                    .title(format!("The ingress gateway of mesh {} has no external address", mesh.name()))
                    .message(format!(
                        "{} is accepted all the same. Requests from other meshes to services on {cluster} have no \
                         endpoint and fail.",
                        virtual_mesh.policy.shown()
                    ))
                    .object(ObjectRef {
                        kind: "Mesh".into(),
                        namespace: Some(mesh.namespace().into()),
                        name: mesh.name().into(),
                    })
                    .evidence(lack)
                    .evidences(services_of(&hub, mesh))
                    .cluster(cluster)
                    .remedy(remedy(known.map(Vec::as_slice).unwrap_or_default(), cluster))
                    .commands(
                        inside.as_ref().map(|inside| inside.kubectl_in(namespace).inspect("get services -o wide")),
                    )
                    .done(),
            );
        }
    }
    Outcome::of(findings)
}

/// What helps depends on the type of the Service, if it is known.
fn remedy(gateways: &[Gateway], cluster: &str) -> String {
    let has_type = |wanted: &str| gateways.iter().any(|gateway| gateway.kind == wanted);
    if has_type("NodePort") {
        return format!(
            "give the nodes of cluster {cluster} an address of type ExternalIP, which discovery needs for a NodePort, or \
             use type LoadBalancer"
        );
    }
    format!(
        "wait until the load balancer of cluster {cluster} has given the Service an address, or use type NodePort with \
         nodes that have an ExternalIP"
    )
}

/// The Services of the gateways of a mesh, in a line each. None if its cluster was not looked at.
pub(super) fn services_of(hub: &HubView<'_>, mesh: &HubObject) -> Vec<String> {
    let gateways = hub.remote_of(mesh).and_then(|remote| remote.istio(mesh)?.gateways.known());
    let line = |gateway: &Gateway| {
        let addresses =
            if gateway.addresses.is_empty() { "no address".to_owned() } else { gateway.addresses.join(", ") };
        let port = if gateway.has_tls_port { "" } else { ", no port named tls" };
        format!("Service {} has type {} and {addresses}{port}", gateway.name, gateway.kind)
    };
    let lines: Vec<String> = match gateways.map(Vec::as_slice) {
        None => Vec::new(),
        Some([]) => vec!["no Service has the selector istio: ingressgateway".to_owned()],
        Some(gateways) => gateways.iter().map(line).collect(),
    };
    lines.into_iter().map(|line| format!("cluster {}: {line}", mesh.cluster_of_mesh())).collect()
}

/// What a mesh lacks. `None` if it has a gateway with an address, or if a virtual mesh shows the error itself.
fn lack(mesh: &HubObject, before_1_1: bool) -> Option<String> {
    let applied = mesh.status["appliedEastWestIngressGateways"].as_array();
    if let Some(gateways) = applied.filter(|gateways| !gateways.is_empty()) {
        let lacks = |gateway: &Value| gateway["externalAddresses"].as_array().is_none_or(Vec::is_empty);
        let first = gateways.first().filter(|_| gateways.iter().all(lacks))?;
        let name = first["destinationRef"]["name"].as_str().unwrap_or_default();
        return Some(format!("status.appliedEastWestIngressGateways: {name} has no externalAddresses"));
    }
    // Releases before 1.1 ignore a mesh without a gateway silently.
    let gateways = mesh.spec.pointer("/istio/ingressGateways").and_then(|list| list.as_array());
    let usable = gateways.is_some_and(|gateways| !gateways.is_empty());
    (!usable && before_1_1).then(|| "spec.istio.ingressGateways is empty".to_owned())
}
