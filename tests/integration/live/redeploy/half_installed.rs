//! The old operator line without custom resources, as its manifests leave it: its CRDs lack fields of the current ones.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{FORCE, assert_healthy, interruption::killed_after_each_write, redeploy, versions};
use crate::{
    bed::{self, Lease, Line, Stack, rest},
    live::at,
    tool::{roots, states},
};

/// The operator of the old line and its CRDs, without custom resources.
async fn half_installed(bed: &Lease) -> Result<Stack> {
    let mut stack = Stack::of(Line::Old).namespace(bed.namespace()).start(bed).await?;
    stack.undeploy().await?;
    let path = stack.custom_path("Broker");
    bed::until("the custom resources to be gone", Duration::from_secs(20), || async {
        Ok(rest::get(&stack.client, &path).await.is_err().then_some(()))
    })
    .await?;
    Ok(stack)
}

/// The reason of the planned creation of a custom resource.
fn reason<'a>(plan: &'a Value, kind: &str) -> Option<&'a str> {
    let steps = plan["steps"].as_array()?;
    let create = steps.iter().find(|step| step["objectKind"] == kind && step["action"] == "create")?;
    create["why"].as_str()
}

#[tokio::test]
async fn old_crds_without_custom_resources_are_upgraded() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = half_installed(&bed).await?;
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    let before = versions(&bed, namespace).await?;
    let plan = at(&bed, namespace, &format!("system redeploy --dry-run -o json {FORCE}")).run_beside().await;
    let plan = plan.exits(0).json();
    for kind in ["Broker", "MeshSync"] {
        assert_eq!(reason(&plan, kind), Some("validated by the API server once its CRD is updated"), "{plan:#}");
    }
    // Deploying another part than the operator keeps the CRDs, and says what updates them.
    let refused = redeploy(&bed, namespace, &format!("broker {FORCE}")).await.exits(4).json();
    assert!(refused["reason"].to_string().contains("the installed CRD rejects Broker meshery-broker"), "{refused:#}");
    assert!(refused["instead"].to_string().contains("system redeploy operator"), "{refused:#}");
    assert_eq!(versions(&bed, namespace).await?, before);
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let meshsync = rest::get(&stack.client, &stack.custom_path("MeshSync")).await?;
    assert!(meshsync["spec"]["watch-list"]["data"]["whitelist"].is_string(), "{meshsync:#}");
    Ok(())
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn upgrade_of_old_crds_killed_after_any_write_can_be_completed() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = half_installed(&bed).await?;
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    let writes = killed_after_each_write(&bed, namespace, FORCE).await?;
    assert!(writes.len() > 6, "{writes:#?}");
    assert_healthy(&bed, namespace).await
}

/// What our own CRD does not allow is refused before the first change, although the installed CRD says nothing about it.
#[tokio::test]
async fn backup_that_the_new_crd_rejects_is_refused_before_the_upgrade() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = half_installed(&bed).await?;
    let backup = json!({
        "apiVersion": "meshery.io/v1alpha1", "kind": "Broker",
        "metadata": { "name": "meshery-broker", "namespace": namespace },
        "spec": { "size": 11, "service": { "type": "ClusterIP" } },
    });
    let file = bed.file(&format!("backup-{namespace}.json"));
    std::fs::write(&file, json!({ "apiVersion": "v1", "kind": "List", "items": [backup] }).to_string())?;
    let before = versions(&bed, namespace).await?;
    let arguments = format!("{FORCE} --no-wait --from-backup {}", file.display());
    let refused = redeploy(&bed, namespace, &arguments).await.exits(4).json();
    assert_eq!(refused["instead"], json!(["spec.size is above 10"]), "{refused:#}");
    assert_eq!(versions(&bed, namespace).await?, before);
    Ok(())
}

#[tokio::test]
async fn preflight_waits_for_the_crds_to_be_updated() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = half_installed(&bed).await?;
    let report = at(&bed, namespace, "system check --preflight -o json").run_beside().await.exits(0).json();
    assert_eq!(roots(&report), [""; 0], "{report:#}");
    assert_eq!(states(&report), "DEPLOYED/UNDEPLOYED/UNDEPLOYED");
    let objects = report["preflight"]["objects"].as_array().cloned().unwrap_or_default();
    for kind in ["Broker", "MeshSync"] {
        let object = objects.iter().find(|object| object["kind"] == kind).expect("an object");
        assert_eq!(object["action"], "unverifiable", "{object}");
        assert_eq!(object["reason"], format!("until the {kind} CRD is updated"), "{object}");
    }
    Ok(())
}
