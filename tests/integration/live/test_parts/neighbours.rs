//! Runs beside each other, and objects of runs that are no more: each removes what nobody waits for, and nothing else.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, dataflow, objects, publishing, wrong};
use crate::{
    bed::{self, Stack, rest},
    live::at,
};

const LIMIT: Duration = Duration::from_secs(20);

/// An object of a test as a run makes it.
fn object(stack: &Stack, name: &str, run: Option<&str>, expires: &str) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/managed-by": "meshdoctor",
        "app.kubernetes.io/component": "dataflow-probe",
    });
    if let Some(run) = run {
        labels["meshdoctor/run"] = run.into();
    }
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": name, "namespace": stack.namespace, "labels": labels,
            "annotations": { "meshdoctor/expires-at": expires },
        },
    })
}

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn two_at_once_both_pass_and_leave_each_other_alone() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = publishing(&bed).await?;
    let run = || dataflow(&bed, &bed.kubeconfig(), "--count 20").run_beside();
    let (one, other) = tokio::join!(run(), run());
    for ran in [one, other] {
        let report = ran.exits(0).json();
        assert_eq!(checked(&report, "flow-arrives")["reason"], "60 of 60");
        // Neither took the other's object for one that was left.
        assert_eq!(checked(&report, "flow-clean")["reason"], Value::Null);
    }
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn one_that_waits_keeps_its_object_through_anothers_run() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let waiting = dataflow(&bed, &bed.kubeconfig(), "--wait 60s --timeout 120s").run_beside();
    let waiting = tokio::spawn(waiting);
    bed::until("its object to be there", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    let its = objects(&stack).await?;
    let other = dataflow(&bed, &bed.kubeconfig(), "--wait 1s").run_beside().await;
    assert_eq!(wrong(&other.exits(1).json()), ["meshsync-silent"]);
    assert_eq!(objects(&stack).await?, its);
    publisher.resume()?;
    let report = waiting.await?.exits(0).json();
    assert_eq!(checked(&report, "flow-arrives")["reason"], "3 of 3");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn what_nobody_waits_for_is_removed_and_what_somebody_does_is_left() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = publishing(&bed).await?;
    let _alive = stack.nats(0).listen("meshdoctor.run.alive").await?;
    for (name, run, expires) in [
        ("meshdoctor-probe-alive-1", Some("alive"), FUTURE),
        ("meshdoctor-probe-alive-2", Some("alive"), PAST),
        ("meshdoctor-probe-dead-1", Some("dead"), FUTURE),
        ("meshdoctor-probe-nameless-1", None, FUTURE),
        ("meshdoctor-probe-nameless-2", None, PAST),
        // The labels are somebody else's idea.
        ("important", Some("dead"), PAST),
    ] {
        let object = object(&stack, name, run, expires);
        rest::write(&stack.client, rest::BED, &object).await?;
    }
    let report = dataflow(&bed, &bed.kubeconfig(), "").run_beside().await.exits(0).json();
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["reason"], "3 of an earlier run removed");
    assert_eq!(objects(&stack).await?, ["meshdoctor-probe-alive-1", "meshdoctor-probe-nameless-1"]);
    let important = stack.path("v1", "ConfigMap", "important");
    rest::get(&stack.client, &important).await?;
    Ok(())
}

#[tokio::test]
async fn with_nobody_to_ask_only_what_has_expired_is_removed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = publishing(&bed).await?;
    for (name, expires) in [("young", FUTURE), ("old", PAST)] {
        let name = format!("meshdoctor-probe-{name}-1");
        let object = object(&stack, &name, Some("unknown"), expires);
        rest::write(&stack.client, rest::BED, &object).await?;
    }
    stack.nats(0).kill();
    let ran = dataflow(&bed, &bed.kubeconfig(), "").run_beside().await;
    let report = ran.json();
    assert_ne!(ran.code, 0, "{report:#}");
    assert_eq!(checked(&report, "flow-clean")["status"], "pass");
    assert_eq!(objects(&stack).await?, ["meshdoctor-probe-young-1"]);
    Ok(())
}

#[tokio::test]
async fn listening_alone_removes_nothing() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = publishing(&bed).await?;
    let object = object(&stack, "meshdoctor-probe-old-1", None, PAST);
    rest::write(&stack.client, rest::BED, &object).await?;
    let tool = at(&bed, bed.namespace(), "test dataflow --passive 1s -o json");
    tool.run_beside().await.json();
    assert_eq!(objects(&stack).await?, ["meshdoctor-probe-old-1"]);
    Ok(())
}
