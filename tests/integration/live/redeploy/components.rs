//! Redeploys of single components, with the least disruptive steps that work.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{FORCE, assert_healthy, redeploy};
use crate::{
    bed::{self, rest, states},
    live::{at, check, until_checked},
    tool::roots,
};

#[tokio::test]
async fn broker_restart_reconnects_meshsync() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    let set = stack.path("apps/v1", "StatefulSet", "meshery-nats");
    let before = rest::get(&stack.client, &set).await?["status"]["updateRevision"].clone();
    let done = redeploy(&bed, namespace, "broker").await.exits(0);
    assert!(done.stdout.contains("events are lost while the broker restarts"), "{}", done.stdout);
    let after = rest::get(&stack.client, &set).await?["status"]["updateRevision"].clone();
    assert_ne!(before, after);
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn new_token_reaches_broker_and_meshsync() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    let secret = stack.path("v1", "Secret", "meshery-nats-auth");
    let before = rest::get(&stack.client, &secret).await?["data"]["token"].clone();
    redeploy(&bed, namespace, "broker --new-token").await.exits(0);
    let after = rest::get(&stack.client, &secret).await?["data"]["token"].clone();
    assert_ne!(before, after);
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn backup_restores_the_specs_of_custom_resources() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    let path = stack.custom_path("MeshSync");
    let list = json!({ "spec": { "watch-list": { "data": {
        "whitelist": "[{\"Resource\":\"pods.v1.\",\"Events\":[\"ADDED\",\"MODIFIED\",\"DELETED\"]}]",
    } } } });
    let before = rest::merge(&stack.client, &path, &list).await?["spec"].clone();
    let copy = bed.file(&format!("copy-{namespace}.json"));
    let tool = at(&bed, namespace, "system reset stack --yes --wait 60s").arg("--backup").arg(&copy);
    let reset = tool.run_beside().await.exits(0).stdout;
    let file = copy.display().to_string();
    assert!(reset.contains(&format!("Done. Backup of the removed objects: {file}\nKept: ")), "{reset}");
    let restore = format!("Restore: meshdoctor system redeploy --from-backup {file} --context bed -n {namespace}\n");
    assert!(reset.ends_with(&restore), "{reset}");
    bed::until("the object to be deleted", Duration::from_secs(20), || async {
        Ok(rest::get(&stack.client, &path).await.is_err().then_some(()))
    })
    .await?;
    redeploy(&bed, namespace, &format!("{FORCE} --from-backup {file}")).await.exits(0);
    let after = rest::get(&stack.client, &path).await?["spec"].clone();
    assert_eq!(after["watch-list"]["data"], before["watch-list"]["data"]);
    let reader = "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery-meshsync-reader";
    let rules = rest::get(&stack.client, reader).await?["rules"].to_string();
    assert!(rules.contains("pods") && !rules.contains("secrets"), "{rules}");
    assert!(rules.contains("kube-system"), "{rules}");
    Ok(())
}

#[tokio::test]
async fn meshsync_that_stays_disconnected_is_restarted() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    // Without a controller MeshSync never connects, whatever the tool does.
    let stack = states::apply("running-not-connected", &bed, namespace).await?.expect("a stack");
    let before = stack.pods("meshsync").await?;
    let stopped = redeploy(&bed, namespace, "broker --wait 8s").await.exits(5);
    let report = stopped.json();
    let last = &report["steps"].as_array().expect("steps").last().expect("one")["objectKind"];
    assert_eq!(last, "Deployment", "{report:#}");
    assert!(report["reason"].as_str().is_some_and(|why| why.contains("not CONNECTED")), "{report:#}");
    assert_ne!(stack.pods("meshsync").await?, before);
    Ok(())
}

/// A restart would only delay its connection. It is planned if MeshSync has had time to connect.
#[tokio::test]
async fn meshsync_that_just_started_is_not_restarted() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let stack = states::apply("running-not-connected", &bed, namespace).await?.expect("a stack");
    bed.crds_will_change().await;
    redeploy(&bed, namespace, &format!("{FORCE} --no-wait")).await;
    let restarts = async |age: u64| -> Result<(bool, Value)> {
        let pod = stack.pods("meshsync").await?.remove(0);
        let mut containers =
            rest::get(&stack.client, &stack.path("v1", "Pod", &pod)).await?["status"]["containerStatuses"].clone();
        let since = bed::now_exactly().parse::<Timestamp>()? - SignedDuration::from_secs(age.try_into()?);
        containers[0]["state"] = json!({ "running": { "startedAt": since.to_string() } });
        stack.set_pod_status(&pod, &json!({ "containerStatuses": containers })).await?;
        let plan = redeploy(&bed, namespace, &format!("{FORCE} --dry-run")).await.json();
        let steps = plan["steps"].as_array().expect("steps");
        let is_restart = |step: &Value| step["action"] == "restart" && step["name"] == "meshery-meshsync";
        Ok((steps.iter().any(is_restart), plan))
    };
    let (restarted, plan) = restarts(5).await?;
    assert!(!restarted, "{plan:#}");
    let reason = plan["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(" s ago and is not connected yet (meshsync-not-connected)"), "{plan:#}");
    let (restarted, plan) = restarts(90).await?;
    assert!(restarted, "{plan:#}");
    Ok(())
}

#[tokio::test]
async fn unhealthy_stack_without_changes_is_not_a_success() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    let controller = bed.start_controller(namespace)?;
    redeploy(&bed, namespace, "").await.exits(0);
    assert_healthy(&bed, namespace).await?;
    // Without the operator, nobody scales it up again.
    drop(controller);
    bed.kubectl(&["-n", namespace, "scale", "deployment", "meshery-meshsync", "--replicas=0"])?;
    let root = until_checked("an unhealthy verdict", Duration::from_secs(20), || async {
        let report = check(&bed, namespace).await;
        Ok(if report["verdict"] == "unhealthy" { roots(&report).into_iter().next() } else { None })
    })
    .await?;
    let report = redeploy(&bed, namespace, "").await.exits(1).json();
    assert_eq!(report["outcome"], "unchanged", "{report:#}");
    let reason = report["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("the stack is unhealthy: ") && reason.ends_with(&format!(" ({root})")), "{report:#}");
    let next = format!("meshdoctor check --context bed -n {namespace}");
    assert_eq!(report["instead"], json!([next]), "{report:#}");
    let shown = at(&bed, namespace, "system redeploy --yes").run_beside().await.exits(1).stdout;
    assert!(shown.starts_with("Nothing to change, but the stack is unhealthy: "), "{shown}");
    assert!(shown.ends_with(&format!("Next: {next}\n")), "{shown}");
    Ok(())
}
