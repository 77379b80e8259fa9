//! A node whose kubelet is stopped, as the control plane then treats its pods.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::{at, check, codes, until_checked};
use crate::{
    bed::{self, Line, Options, Stack, rest},
    tool::{roots, states},
};

/// A control plane that notices a silent kubelet after 20 seconds.
async fn bed_with_a_node_that_may_fall_silent() -> Result<bed::Lease> {
    let options = Options {
        // The bed's kubelet renews its Lease every ten seconds.
        controller_flags: ["--node-monitor-grace-period=20s", "--node-monitor-period=1s"].map(str::to_owned).into(),
        ..Options::default()
    };
    bed::private_with(&options).await
}

/// Waits for the first check that fulfills a condition.
async fn until(bed: &bed::Lease, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    until_checked(what, Duration::from_secs(120), || async {
        let report = check(bed, bed.namespace()).await;
        Ok(wanted(&report).then_some(report))
    })
    .await
}

#[tokio::test]
async fn node_with_a_stopped_kubelet_is_the_only_root_cause() -> Result<()> {
    let bed = bed_with_a_node_that_may_fall_silent().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    assert_eq!(states(&check(&bed, bed.namespace()).await), "DEPLOYED/CONNECTED/DEPLOYED");

    bed.kill_kubelet();
    let report = until(&bed, "the node to be not ready", |report| codes(report).contains(&"node-not-ready")).await?;
    // The control plane marks one pod after the other.
    let report = match states(&report).as_str() {
        "DEPLOYING/DEPLOYED+/DEPLOYED+" => report,
        _ => {
            until(&bed, "all its pods to be marked", |report| states(report).starts_with("DEPLOYING/DEPLOYED+")).await?
        }
    };
    assert_eq!(states(&report), "DEPLOYING/DEPLOYED+/DEPLOYED+", "{report:#}");
    assert_eq!(roots(&report), ["node-not-ready"], "{report:#}");
    let evidence = report["findings"][0]["evidence"].to_string();
    assert!(evidence.contains("NodeStatusUnknown"), "{evidence}");

    // Without the permission to read nodes, the pods show the same.
    let user = bed.user()?;
    let roles = at(&bed, bed.namespace(), &format!("rbac check --to-user {user}")).run_beside().await.exits(0);
    assert!(roles.stdout.contains("- nodes\n"), "{}", roles.stdout);
    bed.apply_yaml(&roles.stdout.replace("- nodes\n", "- none\n")).await?;
    let tool = at(&bed, bed.namespace(), "system check -o json").kubeconfig(&bed.kubeconfig_for(&user)?);
    let report = tool.run_beside().await.json();
    assert_eq!(roots(&report), ["node-not-ready"], "{report:#}");
    assert_eq!(report["permissions"]["missing"], serde_json::json!([]), "{report:#}");

    // No kubelet confirms that a deleted pod ended, and its replacement is unschedulable. With a single node, the control
    // plane evicts nothing, because the fault may then be its own.
    for component in ["operator", "broker", "meshsync"] {
        for pod in stack.pods(component).await? {
            rest::delete(&stack.client, &stack.path("v1", "Pod", &pod)).await?;
        }
    }
    let report = until(&bed, "the pods' replacements to be unschedulable", |report| {
        codes(report).contains(&"operator-unschedulable") && codes(report).contains(&"meshsync-unschedulable")
    })
    .await?;
    assert_eq!(roots(&report), ["node-not-ready"], "{report:#}");
    let pods = rest::list(&stack.client, &rest::collection("v1", "Pod", Some(bed.namespace()))).await?;
    let terminating = pods.iter().filter(|pod| !pod["metadata"]["deletionTimestamp"].is_null()).count();
    assert!(terminating >= 3, "{terminating} pods are terminating");
    Ok(())
}
