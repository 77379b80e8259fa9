use super::{for_each_policy, gateway_no_address, show, shown_target, virtual_mesh};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::{Approval, HubObject},
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-federation-error",
    title: "Services are not reachable from other meshes",
    explanation: include_str!("federation_error.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-federation",
    title: "federation is written without an error",
    ..Check::of_hub(&[&DIAGNOSIS], |context| {
        for_each_policy(context, &[Role::VirtualMesh], |hub, policy| judge(context, hub, policy))
    })
};

fn judge(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let status = &policy.status;
    let of_entries = status.meshes.iter().chain(&status.targets);
    let mut errors: Vec<String> = of_entries
        .filter(|entry| entry.approval > Approval::Pending)
        .flat_map(|entry| entry.errors.iter().map(move |error| (entry, error)))
        .filter(|(_, error)| virtual_mesh::is_federation_error(error))
        .map(|(entry, error)| format!("{}: {error}", shown_target(hub, &entry.key)))
        .collect();
    let in_all = status.errors.iter().filter(|error| virtual_mesh::is_federation_error(error));
    errors.extend(in_all.map(|error| format!("status.errors: {error}")));
    let of_era_a = &policy.object.status["federationStatus"];
    let message = of_era_a["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
    let state = of_era_a["state"].as_str().filter(|state| *state != "ACCEPTED");
    errors.extend(state.map(|state| format!("status.federationStatus: {state}{message}")));
    let first = errors.first()?;
    let gateway = first.contains("gateway");
    let without = if gateway { without_gateway(hub, policy) } else { Vec::new() };
    let gateways = without.iter().flat_map(|mesh| gateway_no_address::services_of(hub, mesh));
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("{} is not federated", policy.shown()))
            .message(if gateway {
                let clusters: Vec<&str> = without.iter().map(|mesh| mesh.cluster_of_mesh()).collect();
                let clusters = if clusters.is_empty() { "its cluster".to_owned() } else { clusters.join(", ") };
                format!(
                    "Traffic between meshes enters through an ingress gateway with a port named tls, and at least one mesh \
                     has no usable one. Requests from other meshes to services of {clusters} fail."
                )
            } else {
                "Names of services in another mesh are not written, so requests to them fail.".to_owned()
            })
            .object(policy.reference())
            .evidences(errors.iter().take(10))
            .evidences(gateways)
            .remedy(match (gateway, hub.is_before_1_1()) {
                (true, false) => {
                    "give the ingress gateway a Service of type LoadBalancer or NodePort with a port named tls, whose \
                     selector contains istio: ingressgateway and matches its pods, or select another one in \
                     spec.federation.ingressGatewaySelectors"
                }
                (true, true) => {
                    "give the ingress gateway a Service of type LoadBalancer or NodePort with a port named tls"
                }
                (false, _) => "correct what the error names",
            })
            .command(show(context, policy))
            .done(),
    )
}

/// The meshes of a virtual mesh whose entries have an error about their gateways.
fn without_gateway<'a>(hub: &HubView<'a>, policy: &Policy<'_>) -> Vec<&'a HubObject> {
    let entries =
        policy.status.meshes.iter().filter(|entry| entry.errors.iter().any(|error| error.contains("gateway")));
    entries.filter_map(|entry| hub.with_key(Role::Mesh, &entry.key)).collect()
}
