//! Concurrent runs, and objects of runs that have ended: each run removes the objects that no run waits for, and
//! nothing else.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, dataflow, objects, problem_codes, with_publisher};
use crate::{
    bed::{self, Stack, rest},
    live::at,
};

const LIMIT: Duration = Duration::from_secs(20);

/// A probe object as a run creates it.
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
async fn concurrent_runs_both_pass_and_do_not_interfere() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    let run = || dataflow(&bed, &bed.kubeconfig(), "--count 20").run_beside();
    let (one, other) = tokio::join!(run(), run());
    for ran in [one, other] {
        let report = ran.exits(0).json();
        assert_eq!(checked(&report, "flow-arrives")["reason"], "60 of 60");
        // Neither run treated the other's object as a leftover.
        assert_eq!(checked(&report, "flow-clean")["reason"], Value::Null);
    }
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn object_of_a_waiting_run_survives_another_run() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let waiting = dataflow(&bed, &bed.kubeconfig(), "--wait 60s --timeout 120s").run_beside();
    let waiting = tokio::spawn(waiting);
    bed::until("its object to exist", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    let its = objects(&stack).await?;
    let other = dataflow(&bed, &bed.kubeconfig(), "--wait 1s").run_beside().await;
    assert_eq!(problem_codes(&other.exits(1).json()), ["meshsync-silent"]);
    assert_eq!(objects(&stack).await?, its);
    publisher.resume()?;
    let report = waiting.await?.exits(0).json();
    assert_eq!(checked(&report, "flow-arrives")["reason"], "3 of 3");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn leftovers_are_removed_and_objects_of_waiting_runs_stay() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    let _alive = stack.nats(0).listen("meshdoctor.run.alive").await?;
    for (name, run, expires) in [
        ("meshdoctor-probe-alive-1", Some("alive"), FUTURE),
        ("meshdoctor-probe-alive-2", Some("alive"), PAST),
        ("meshdoctor-probe-dead-1", Some("dead"), FUTURE),
        ("meshdoctor-probe-nameless-1", None, FUTURE),
        ("meshdoctor-probe-nameless-2", None, PAST),
        // This object has the labels of a probe but not its name.
        ("important", Some("dead"), PAST),
    ] {
        let object = object(&stack, name, run, expires);
        rest::write(&stack.client, rest::BED, &object).await?;
    }
    let report = dataflow(&bed, &bed.kubeconfig(), "").run_beside().await.exits(0).json();
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["reason"], "removed 3 left by an earlier run");
    assert_eq!(objects(&stack).await?, ["meshdoctor-probe-alive-1", "meshdoctor-probe-nameless-1"]);
    let important = stack.path("v1", "ConfigMap", "important");
    rest::get(&stack.client, &important).await?;
    Ok(())
}

#[tokio::test]
async fn without_a_broker_only_expired_leftovers_are_removed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
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
async fn passive_test_removes_nothing() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    let object = object(&stack, "meshdoctor-probe-old-1", None, PAST);
    rest::write(&stack.client, rest::BED, &object).await?;
    let tool = at(&bed, bed.namespace(), "test dataflow --passive 1s -o json");
    tool.run_beside().await.json();
    assert_eq!(objects(&stack).await?, ["meshdoctor-probe-old-1"]);
    Ok(())
}
