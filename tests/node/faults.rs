//! Containers and nodes that really fail.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{HEALTHY, NAMESPACE, OnNode, finding, healthy, state};
use crate::{
    bed::{node as real_node, rest},
    tool::roots,
};

const MESHSYNC: &str = "component=meshsync";
const OPERATOR: &str = "component=operator";

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_crash_loop_is_found_with_the_log_that_explains_it() -> Result<()> {
    let node = healthy().await?;
    node.import("meshsync-crash")?;
    node.delete_pods(MESHSYNC).await?;
    let report = node.until_found("meshsync-crash-loop").await?;
    let evidence = finding(&report, "meshsync-crash-loop")?["evidence"].to_string();
    ensure!(evidence.contains("panic: the cache cannot be opened"), "{evidence}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn an_image_that_cannot_be_pulled_is_found() -> Result<()> {
    let node = healthy().await?;
    real_node::remove_image(node.as_ref(), "docker.io/meshery/meshsync:1.0.3")?;
    node.delete_pods(MESHSYNC).await?;
    node.until_found("meshsync-image-pull").await.map(drop)
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_container_that_exceeds_its_memory_is_found_with_its_limit() -> Result<()> {
    let node = healthy().await?;
    node.import("operator-fills-memory")?;
    node.delete_pods(OPERATOR).await?;
    let report = node.until_found("operator-crash-loop").await?;
    let text = finding(&report, "operator-crash-loop")?.to_string();
    ensure!(text.contains("OOMKilled") && text.contains("256Mi"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_container_whose_command_is_missing_is_found_as_never_started() -> Result<()> {
    let node = healthy().await?;
    node.import("meshsync-empty")?;
    node.delete_pods(MESHSYNC).await?;
    let report = node.until_found("meshsync-not-started").await?;
    let text = finding(&report, "meshsync-not-started")?.to_string();
    ensure!(text.contains("meshery-meshsync"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_failing_readiness_probe_is_found() -> Result<()> {
    let node = healthy().await?;
    node.import("meshsync-waits")?;
    node.delete_pods(MESHSYNC).await?;
    // Before that, it is reported as starting.
    node.until_found_with("meshsync-not-ready", "probe").await.map(drop)
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_failing_init_container_is_found_by_its_name() -> Result<()> {
    let node = healthy().await?;
    let path = rest::path("apps/v1", "Deployment", NAMESPACE, "meshery-operator");
    let container = json!({
        "name": "wait-for-certificates", "image": "meshery/meshery-operator:1.0.5",
        "command": ["/trouble", "exit", "3", "no certificates"],
    });
    let change = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}, "template": {"spec": {"initContainers": [container]}}}});
    rest::merge(&node.client().await?, &path, &change).await?;
    let report = node.until_found("operator-crash-loop").await?;
    let text = finding(&report, "operator-crash-loop")?.to_string();
    ensure!(text.contains("wait-for-certificates") && text.contains("no certificates"), "{text}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_deleted_broker_pod_is_not_blamed_on_others_and_recovers() -> Result<()> {
    let node = healthy().await?;
    // It ends as usual, but with less time than the 40 seconds of its manifest, in which nothing else happens.
    node.kubectl(&["delete", "-n", NAMESPACE, "pod/meshery-nats-0", "--wait=false", "--grace-period=10"])?;
    until_recovered(&node, "broker-").await
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn an_evicted_meshsync_is_not_blamed_on_others_and_recovers() -> Result<()> {
    let node = healthy().await?;
    let client = node.client().await?;
    let pods = format!("{}?labelSelector=component%3Dmeshsync", rest::collection("v1", "Pod", Some(NAMESPACE)));
    let pods = rest::list(&client, &pods).await?;
    let name = pods.first().and_then(|pod| pod["metadata"]["name"].as_str()).context("no pod of MeshSync")?;
    let path = format!("{}/eviction", rest::path("v1", "Pod", NAMESPACE, name));
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
    rest::post(&client, &path, &eviction).await?;
    until_recovered(&node, "meshsync-").await
}

/// Checks until the stack is healthy again. While a component restarts, every check names it as the cause; after that,
/// only that MeshSync is not connected yet.
async fn until_recovered(node: &OnNode, component: &str) -> Result<()> {
    let start = Instant::now();
    let mut found = false;
    loop {
        let report = node.check().await;
        let causes = roots(&report);
        if report["exitCode"] == 0 && found {
            return Ok(());
        }
        found |= causes.iter().any(|cause| cause.starts_with(component));
        for cause in causes.iter().filter(|cause| !cause.starts_with(component)) {
            let title = finding(&report, cause)?["title"].as_str().unwrap_or_default();
            ensure!(cause == "data-gap-since-reconnect" || title.ends_with(" yet"), "{causes:?}: {title}");
        }
        ensure!(start.elapsed() < HEALTHY, "not healthy again: {:#}\n{}", report["findings"], node.pods());
    }
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_node_that_is_not_ready_is_the_one_root_cause() -> Result<()> {
    let node = healthy().await?;
    node.kubelet().pause()?;
    let found = node.until_found("node-not-ready").await;
    node.kubelet().resume()?;
    let report = found?;
    ensure!(state(&report, "operator") != "NOTDEPLOYED", "{:#}", report["components"]);
    node.until_healthy().await.context("after the kubelet continues")?;
    Ok(())
}
