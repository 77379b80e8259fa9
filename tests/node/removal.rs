//! Removal of the stack. Its name sorts it last: after it, everything must start again, which takes half a minute.

use anyhow::{Result, ensure};

use super::{NAMESPACE, OnNode, healthy};
use crate::tool::roots;

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_reset_removes_everything() -> Result<()> {
    let node = healthy().await?;
    remove(&node).await?;
    ensure!(roots(&node.check().await) == ["not-installed"]);
    Ok(())
}

/// Removes the stack and its pods.
pub(super) async fn remove(node: &OnNode) -> Result<()> {
    node.run("system reset stack --crds --yes --no-backup --wait 60s").await.exits(0);
    // The objects are gone. Their containers have the usual time to end, which is 40 seconds for a broker with clients.
    node.delete_pods("").await?;
    node.kubectl(&["wait", "-n", NAMESPACE, "pods", "--all", "--for=delete", "--timeout=40s"]).map(drop)
}
