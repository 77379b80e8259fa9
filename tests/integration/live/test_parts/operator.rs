//! `test operator`: whether it leads, and has acted on what it is told.

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, fits, found, hop, wrong};
use crate::{
    bed::{self, Attendant, Line, Stack, rest},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease, arguments: &str) -> Ran {
    let arguments = format!("test operator -o json {arguments}");
    at(bed, bed.namespace(), &arguments).run_beside().await
}

/// A stack whose operator keeps its Lease for as long as the attendant is there.
async fn attended(bed: &bed::Lease) -> Result<(Stack, Attendant)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let mut stack = setup.start(bed).await?;
    let attendant = stack.attended()?;
    attendant.until_connected().await?;
    Ok((stack, attendant))
}

fn lease_of(stack: &Stack) -> String {
    stack.path("coordination.k8s.io/v1", "Lease", "meshery-operator-leader.meshery.io")
}

/// The steps that tell of what the operator was told.
fn acted_on(report: &Value) -> Vec<&Value> {
    let hops = report["test"]["hops"].as_array().into_iter().flatten();
    hops.filter(|hop| hop["id"] == "reconcile").collect()
}

#[tokio::test]
async fn one_that_leads_renews_its_lease_before_our_eyes() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _attendant) = attended(&bed).await?;
    let report = test(&bed, "").await.exits(0).json();
    fits(&report);
    let renewal = hop(&report, "renewal");
    assert_eq!(renewal["status"], "pass", "{renewal:#}");
    assert!(renewal["timing"]["count"] == 1, "{renewal:#}");
    let detail = renewal["detail"].as_str().unwrap_or_default();
    // The real one takes the host's name for its pod's, which it is in a pod.
    if std::env::var_os("MESHERY_OPERATOR_BIN").is_none() {
        let pod = stack.pods("operator").await?.remove(0);
        assert!(detail.contains(&pod), "{detail}");
    }
    assert_eq!(checked(&report, "operator-renews")["status"], "pass");
    assert_eq!(acted_on(&report).len(), 2, "{report:#}");
    assert!(acted_on(&report).iter().all(|hop| hop["status"] == "pass"));
    assert_eq!(wrong(&report), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_holder_that_renews_nothing_does_not_lead() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, attendant) = attended(&bed).await?;
    drop(attendant);
    // With less time than a renewal may take, nothing is proven.
    let report = test(&bed, "--timeout 6s").await.json();
    let renews = checked(&report, "operator-renews");
    assert_eq!(renews["status"], "unknown", "{renews:#}");
    assert!(renews["reason"].to_string().contains("--timeout"));

    let short = json!({ "spec": { "leaseDurationSeconds": 2 } });
    rest::merge(&stack.client, &lease_of(&stack), &short).await?;
    let report = test(&bed, "--fail-on warning").await.exits(1).json();
    fits(&report);
    assert_eq!(hop(&report, "renewal")["status"], "fail");
    let finding = found(&report, "operator-no-leader");
    assert_eq!(finding["object"]["kind"], "Lease");
    let evidence = finding["evidence"].to_string();
    assert!(evidence.contains("not renewed within 7 s"), "{evidence}");
    assert_eq!(wrong(&report), ["operator-no-leader"]);
    Ok(())
}

#[tokio::test]
async fn without_an_operator_nobody_could_renew_the_lease() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, attendant) = attended(&bed).await?;
    drop(attendant);
    let deployment = stack.path("apps/v1", "Deployment", "meshery-operator");
    rest::delete(&stack.client, &deployment).await?;
    let limit = std::time::Duration::from_secs(30);
    bed::until("the operator's pod to go", limit, || async {
        Ok(stack.pods("operator").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed, "").await.exits(1).json();
    fits(&report);
    assert_eq!(hop(&report, "renewal")["status"], "skip");
    assert_eq!(checked(&report, "operator-renews")["status"], "skip");
    assert!(wrong(&report).contains(&"operator-missing"), "{report:#}");
    assert!(!wrong(&report).contains(&"operator-no-leader"));
    Ok(())
}

#[tokio::test]
async fn what_it_was_told_and_has_not_looked_at() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, attendant) = attended(&bed).await?;
    drop(attendant);
    let change = json!({ "spec": { "size": 2 } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &change).await?;
    let report = test(&bed, "--timeout 8s").await.json();
    let hops = acted_on(&report);
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
