use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::rules::{broker::addresses::exposed, prelude::*},
    facts::Connection,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-shared",
    title: "MeshSyncs of other clusters publish to this broker",
    explanation: include_str!("shared.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::info(Component::Meshsync)
};

/// Why the broker is shared on purpose: our MeshSync connects from its own pod's address, the broker is exposed outside
/// the cluster, and it requires a token from everyone.
pub(crate) fn shared(context: &RuleContext<'_>) -> Option<String> {
    let is_pod = |pod: &Pod, client: &Connection| stack::pod_ip(pod) == Some(client.ip.as_str());
    let mut own = context.clients.meshsync.iter();
    let ours = own.any(|(_, client)| context.meshsync_pods.iter().any(|pod| is_pod(pod, client)));
    // A client with a pod's address belongs to this cluster, so it does not count here.
    let mut foreign = context.clients.foreign.iter();
    let inside = foreign.any(|((_, client), _)| context.facts.pods.items().iter().any(|pod| is_pod(pod, client)));
    let closed = context.facts.broker.servers.iter().all(|server| server.varz.auth_required);
    if !ours || inside || !closed {
        return None;
    }
    exposed(context).next().map(|(service, kind)| format!("Service {service} is of type {kind}"))
}

/// Starts the finding about clients of other clusters.
pub(crate) fn draft(clients: usize, how: String) -> Draft {
    DIAGNOSIS
        .finding()
        .title(match clients {
            1 => "A MeshSync of another cluster publishes to this broker".to_owned(),
            n => format!("{n} MeshSyncs of other clusters publish to this broker"),
        })
        .message(
            "It has the token, and the broker is exposed outside the cluster, as public guides describe for several \
             clusters. Anyone with the token can read the objects of all of them.",
        )
        .evidence(how)
}
