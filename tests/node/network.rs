//! Network policies that really drop packets, and the test that shows it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{NAMESPACE, OnNode, assert_contains, finding, healthy, in_cluster::IMAGE};
use crate::bed::{node, rest};

const MESHSYNC: &str = "component=meshsync";

/// The label of the pods of the network test.
const TEST_POD: &str = "meshdoctor/test=network";

/// The ports of the cluster's DNS service.
const DNS: [(u16, &str); 2] = [(53, "UDP"), (53, "TCP")];

impl OnNode {
    /// Runs the network test; returns its exit code and document.
    async fn test_network(&self) -> (i32, Value) {
        let ran = self.run(&format!("test network --image {IMAGE} --timeout 60s -o json")).await;
        (ran.code, ran.json())
    }

    /// Lets MeshSync connect to nothing but the node, where the API server runs, and these ports of pods.
    async fn allow_only(&self, ports: &[(u16, &str)]) -> Result<()> {
        let ports: Vec<Value> =
            ports.iter().map(|(port, protocol)| json!({"port": port, "protocol": protocol})).collect();
        let host = json!({"ipBlock": {"cidr": format!("{}/32", node::ADDRESS)}});
        let policy = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "cut", "namespace": NAMESPACE},
            "spec": {
                "podSelector": {"matchLabels": {"component": "meshsync"}},
                "policyTypes": ["Egress"],
                "egress": [{"to": [host]}, {"ports": ports}],
            },
        });
        self.apply(rest::BED, &[policy]).await.map(drop)
    }

    async fn allow_all(&self) -> Result<()> {
        let policy = rest::path("networking.k8s.io/v1", "NetworkPolicy", NAMESPACE, "cut");
        rest::delete(&self.client().await?, &policy).await
    }

    /// Fails if a pod of the network test is left. A deleted one takes a moment to end.
    fn assert_no_test_pod(&self) -> Result<()> {
        let selector = format!("--selector={TEST_POD}");
        self.kubectl(&["wait", "-n", NAMESPACE, "pods", &selector, "--for=delete", "--timeout=20s"]).map(drop)
    }
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn network_test_resolves_names_and_reaches_both_ports() -> Result<()> {
    let node = healthy().await?;
    let (code, report) = node.test_network().await;
    ensure!(code == 0, "{code}: {:#}", report["findings"]);
    node.assert_no_test_pod()?;
    // The pod is no pod of the stack.
    ensure!(node.check().await["exitCode"] == 0);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn network_test_whose_image_is_missing_says_so() -> Result<()> {
    let node = healthy().await?;
    let ran = node.run("test network --image meshdoctor.test/absent:1 --timeout 30s").await.exits(3);
    assert_contains(&ran.stdout, "meshdoctor.test/absent:1")?;
    node.assert_no_test_pod()
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn policy_that_cuts_the_client_port_is_found_and_confirmed() -> Result<()> {
    policy_is_found(&[DNS[0], DNS[1], (8222, "TCP")], "4222").await
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn policy_that_cuts_the_monitor_is_found_and_confirmed() -> Result<()> {
    policy_is_found(&[DNS[0], DNS[1], (4222, "TCP")], "8222").await
}

/// MeshSync may connect only to the allowed ports, but needs one more.
async fn policy_is_found(allowed: &[(u16, &str)], cut: &str) -> Result<()> {
    let node = healthy().await?;
    node.allow_only(allowed).await?;
    // The connection that exists continues; a new pod has none.
    node.delete_pods(MESHSYNC).await?;
    let found = node.until_found("network-policy-blocks").await;
    let (code, tested) = node.test_network().await;
    node.allow_all().await?;
    let text = finding(&found?, "network-policy-blocks")?.to_string();
    ensure!(text.contains(cut), "{text}");
    ensure!(code == 1, "{code}: {:#}", tested["findings"]);
    let confirmed = finding(&tested, "network-policy-blocks")?.to_string();
    assert_contains(&confirmed, "The network test confirms it")?;
    assert_contains(&confirmed, &format!("did not reach port {cut}"))
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn policy_that_cuts_the_name_service_is_shown_by_the_network_test() -> Result<()> {
    let node = healthy().await?;
    node.allow_only(&[(4222, "TCP"), (8222, "TCP")]).await?;
    let (_, tested) = node.test_network().await;
    node.allow_all().await?;
    let text = finding(&tested, "network-path-broken")?.to_string();
    assert_contains(&text, "cannot resolve meshery-nats")
}
