//! `test operator`: whether the operator is the leader and has reconciled the custom resources.

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_valid, checked, found, hop, problem_codes};
use crate::{
    bed::{self, FakeController, Line, Stack, rest},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease, arguments: &str) -> Ran {
    let arguments = format!("test operator -o json {arguments}");
    at(bed, bed.namespace(), &arguments).run_beside().await
}

/// A stack whose operator renews its Lease until the fake controller is dropped.
async fn with_controller(bed: &bed::Lease) -> Result<(Stack, FakeController)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let mut stack = setup.start(bed).await?;
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    Ok((stack, controller))
}

fn lease_of(stack: &Stack) -> String {
    stack.path("coordination.k8s.io/v1", "Lease", "meshery-operator-leader.meshery.io")
}

/// The steps that show whether the operator has reconciled a custom resource.
fn reconcile_steps(report: &Value) -> Vec<&Value> {
    let hops = report["test"]["hops"].as_array().into_iter().flatten();
    hops.filter(|hop| hop["id"] == "reconcile").collect()
}

#[tokio::test]
async fn leader_renews_its_lease_during_the_test() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _controller) = with_controller(&bed).await?;
    let report = test(&bed, "").await.exits(0).json();
    assert_valid(&report);
    let renewal = hop(&report, "renewal");
    assert_eq!(renewal["status"], "pass", "{renewal:#}");
    assert!(renewal["timing"]["count"] == 1, "{renewal:#}");
    let detail = renewal["detail"].as_str().unwrap_or_default();
    // The real operator uses the host name as the name of its pod, which is correct only in a pod.
    if std::env::var_os("MESHERY_OPERATOR_BIN").is_none() {
        let pod = stack.pods("operator").await?.remove(0);
        assert!(detail.contains(&pod), "{detail}");
    }
    assert_eq!(checked(&report, "operator-renews")["status"], "pass");
    assert_eq!(reconcile_steps(&report).len(), 2, "{report:#}");
    assert!(reconcile_steps(&report).iter().all(|hop| hop["status"] == "pass"));
    assert_eq!(problem_codes(&report), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn holder_that_does_not_renew_is_not_the_leader() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, controller) = with_controller(&bed).await?;
    drop(controller);
    // If the timeout is shorter than a renewal may take, nothing is proven.
    let report = test(&bed, "--timeout 6s").await.json();
    let renews = checked(&report, "operator-renews");
    assert_eq!(renews["status"], "unknown", "{renews:#}");
    assert!(renews["reason"].to_string().contains("--timeout"));

    let short = json!({ "spec": { "leaseDurationSeconds": 2 } });
    rest::merge(&stack.client, &lease_of(&stack), &short).await?;
    let report = test(&bed, "--fail-on warning").await.exits(1).json();
    assert_valid(&report);
    assert_eq!(hop(&report, "renewal")["status"], "fail");
    let finding = found(&report, "operator-no-leader");
    assert_eq!(finding["object"]["kind"], "Lease");
    let evidence = finding["evidence"].to_string();
    assert!(evidence.contains("not renewed within 7 s"), "{evidence}");
    assert_eq!(problem_codes(&report), ["operator-no-leader"]);
    Ok(())
}

#[tokio::test]
async fn lease_check_is_skipped_without_an_operator() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, controller) = with_controller(&bed).await?;
    drop(controller);
    let deployment = stack.path("apps/v1", "Deployment", "meshery-operator");
    rest::delete(&stack.client, &deployment).await?;
    let limit = std::time::Duration::from_secs(30);
    bed::until("the operator's pod to be gone", limit, || async {
        Ok(stack.pods("operator").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed, "").await.exits(1).json();
    assert_valid(&report);
    assert_eq!(hop(&report, "renewal")["status"], "skip");
    assert_eq!(checked(&report, "operator-renews")["status"], "skip");
    assert!(problem_codes(&report).contains(&"operator-missing"), "{report:#}");
    assert!(!problem_codes(&report).contains(&"operator-no-leader"));
    Ok(())
}

#[tokio::test]
async fn change_that_was_not_reconciled_fails() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, controller) = with_controller(&bed).await?;
    drop(controller);
    let change = json!({ "spec": { "size": 2 } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &change).await?;
    let report = test(&bed, "--timeout 8s").await.json();
    let hops = reconcile_steps(&report);
    let of = |kind: &str| {
        let begin = format!("{kind} ");
        let found = hops.iter().find(|hop| {
            let title = hop["title"].as_str().unwrap_or_default();
            title.starts_with(&begin)
        });
        found.unwrap_or_else(|| panic!("no {kind} in {hops:#?}"))["status"].clone()
    };
    assert_eq!((of("MeshSync"), of("Broker")), (json!("fail"), json!("pass")));
    Ok(())
}
