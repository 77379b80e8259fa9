//! Deployment, fixes and the data flow, with real pods.

use anyhow::{Result, ensure};

use super::{NAMESPACE, assert_contains, cluster, healthy, removal, state};
use crate::tool::roots;

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_redeploy_leads_from_nothing_to_healthy_pods() -> Result<()> {
    let node = cluster().await?;
    if roots(&node.check().await) != ["not-installed"] {
        removal::remove(&node).await?;
    }
    let ran = node.run("system redeploy --yes --wait 120s -o json").await.exits(0);
    ensure!(ran.json()["outcome"] != "failed", "{}", ran.stdout);
    let report = node.check().await;
    ensure!(report["exitCode"] == 0 && roots(&report).is_empty(), "{:#}", report["findings"]);
    ensure!(state(&report, "meshsync") == "CONNECTED", "{:#}", report["components"]);

    node.run("test dataflow").await.exits(0);
    node.run("test broker").await.exits(0);
    node.run("test meshsync").await.exits(0);
    node.run("test operator").await.exits(0);
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn fix_restores_a_deleted_operator_and_custom_resources() -> Result<()> {
    let node = healthy().await?;
    node.kubectl(&["delete", "-n", NAMESPACE, "deployment/meshery-operator", "--wait=true"])?;
    node.until_found("operator-missing").await?;
    let ran = node.run("check --fix --yes --wait 120s").await;
    assert_contains(&ran.stdout, "operator-missing")?;
    node.until_healthy().await
}
