//! The `NetworkPolicy` that limits who can connect to the broker.

use serde_json::{Map, Value, json};

use super::monitor;
use crate::stack::{
    object,
    profile::{Profile, Selector},
};

/// Allows `MeshSync`, the server and meshdoctor in the stack's namespace on both ports. Probes of the kubelet and
/// port-forwards come from the pod's own node, which no policy blocks.
pub(super) fn of_broker(profile: &Profile, namespace: &str) -> Value {
    let clients = [profile.meshsync.selector, profile.server.selector, monitor::LABEL];
    let from: Vec<Value> =
        clients.iter().map(|selector| json!({ "podSelector": { "matchLabels": labels(selector) } })).collect();
    let ports = [profile.broker.client_port, profile.broker.monitor_port];
    let kind = object::NETWORK_POLICY;
    json!({
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": profile.broker_policy(),
            "namespace": namespace,
            "labels": { "app": profile.name, "component": "broker" },
        },
        "spec": {
            "podSelector": { "matchLabels": labels(profile.broker.selectors.first().copied().unwrap_or_default()) },
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": from, "ports": ports.map(|port| json!({ "protocol": "TCP", "port": port })) }],
        },
    })
}

fn labels(selector: Selector) -> Map<String, Value> {
    selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
}
