//! NetworkPolicies that really drop packets.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{NAMESPACE, finding, healthy};
use crate::bed::rest;

/// Lets MeshSync connect to nothing but the API server, the name service and the given ports.
fn only(ports: &[(u16, &str)]) -> serde_json::Value {
    let ports: Vec<_> = ports.iter().map(|(port, protocol)| json!({"port": port, "protocol": protocol})).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "cut", "namespace": NAMESPACE},
        "spec": {
            "podSelector": {"matchLabels": {"component": "meshsync"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}, {"ports": ports}],
        },
    })
}

const DNS: [(u16, &str); 2] = [(53, "UDP"), (53, "TCP")];

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_policy_that_cuts_the_client_port_is_found() -> Result<()> {
    policy_is_found(&[DNS[0], DNS[1], (8222, "TCP")], "4222").await
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_policy_that_cuts_the_monitor_is_found() -> Result<()> {
    policy_is_found(&[DNS[0], DNS[1], (4222, "TCP")], "8222").await
}

async fn policy_is_found(allowed: &[(u16, &str)], cut: &str) -> Result<()> {
    let node = healthy().await?;
    node.apply(bed_writer(), &[only(allowed)]).await?;
    // The connection that exists continues; a new pod has none.
    node.delete_pods("component=meshsync").await?;
    let found = node.until_found("network-policy-blocks").await;
    rest::delete(&node.client().await?, &rest::path("networking.k8s.io/v1", "NetworkPolicy", NAMESPACE, "cut")).await?;
    let text = finding(&found?, "network-policy-blocks")?.to_string();
    ensure!(text.contains(cut), "{text}");
    node.until_healthy().await
}

fn bed_writer() -> rest::Writer<'static> {
    rest::BED
}
