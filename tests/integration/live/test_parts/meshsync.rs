//! `test meshsync`: its health pages, its connection, and whether it answers.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, fits, found, hop, publishing, wrong};
use crate::{
    bed::{self, Faults, Line, Stack, rest},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease) -> Ran {
    at(bed, bed.namespace(), "test meshsync -o json").run_beside().await
}

/// How each step ended, by its id.
fn steps(report: &Value) -> String {
    ["connection", "healthz", "readyz", "meta"].map(|id| hop(report, id)["status"].as_str().unwrap_or("?")).join(" ")
}

async fn until_parted(stack: &Stack) -> Result<()> {
    bed::until("the broker to notice", Duration::from_secs(20), || async {
        Ok((!stack.nats(0).lists("meshsync").await?).then_some(()))
    })
    .await
}

#[tokio::test]
async fn one_that_is_well_answers_everything() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, _publisher) = publishing(&bed).await?;
    let report = test(&bed).await.exits(0).json();
    fits(&report);
    assert_eq!(steps(&report), "pass pass pass pass", "{report:#}");
    let connection = hop(&report, "connection")["detail"].to_string();
    assert!(connection.contains("meshery.meshsync.request"), "{connection}");
    // The version is what it says itself.
    assert!(hop(&report, "meta")["detail"].is_string(), "{report:#}");
    assert_eq!(wrong(&report), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_frozen_one_is_connected_and_answers_nothing() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let report = test(&bed).await.exits(1).json();
    fits(&report);
    assert_eq!(steps(&report), "pass warn warn fail", "{report:#}");
    assert_eq!(wrong(&report), ["meshsync-no-answer"]);
    Ok(())
}

#[tokio::test]
async fn a_mute_one_seems_well_to_its_health_pages() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let mute = Faults { mute: true, ..Faults::default() };
    let _publisher = stack.publishing(0, &mute).await?;
    let report = test(&bed).await.exits(1).json();
    assert_eq!(steps(&report), "pass pass pass fail", "{report:#}");
    assert_eq!(wrong(&report), ["meshsync-no-answer"]);
    Ok(())
}

#[tokio::test]
async fn one_that_was_killed_is_not_waited_for() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.kill();
    until_parted(&stack).await?;
    let report = test(&bed).await.exits(1).json();
    fits(&report);
    // Nothing listens on its port: so it is with one of a line that has no health pages.
    assert_eq!(steps(&report), "fail skip skip skip", "{report:#}");
    assert_eq!(wrong(&report), ["meshsync-not-connected"]);
    Ok(())
}

#[tokio::test]
async fn one_without_a_pod_is_not_asked() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.kill();
    until_parted(&stack).await?;
    let deployment = stack.path("apps/v1", "Deployment", "meshery-meshsync");
    let none = json!({ "spec": { "replicas": 0 } });
    rest::merge(&stack.client, &deployment, &none).await?;
    bed::until("the pod to go", Duration::from_secs(30), || async {
        Ok(stack.pods("meshsync").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed).await.exits(1).json();
    fits(&report);
    assert_eq!(steps(&report), "fail skip skip skip", "{report:#}");
    let why = hop(&report, "healthz")["detail"].to_string();
    assert!(why.contains("no pod"), "{why}");
    assert!(wrong(&report).contains(&"meshsync-scaled-to-zero"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn one_of_the_old_line_has_no_health_pages_and_nothing_is_wrong_with_that() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Old).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    // Its pod's port leads to where nothing listens.
    let nowhere = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward",
        "metadata": { "name": stack.pods("meshsync").await?[0], "namespace": bed.namespace() },
        "spec": { "forwards": [{
            "ports": [11000],
            "target": { "address": bed.addresses().spare(), "port": 1 },
        }] },
    });
    rest::write(&stack.client, rest::BED, &nowhere).await?;
    let report = test(&bed).await.json();
    fits(&report);
    for page in ["healthz", "readyz"] {
        let page = hop(&report, page);
        assert_eq!(page["status"], "skip", "{page:#}");
        assert!(page["detail"].to_string().contains("1.0.1"), "{page:#}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_may_not_forward_ports_is_told_so() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, _publisher) = publishing(&bed).await?;
    let kubeconfig = super::rights::without_port_forward(&bed).await?;
    for test in ["test meshsync", "test broker", "test dataflow"] {
        let ran = at(&bed, bed.namespace(), &format!("{test} -o json")).kubeconfig(&kubeconfig).run_beside().await;
        let report = ran.exits(3).json();
        fits(&report);
        let missing = report["permissions"]["missing"].to_string();
        assert!(missing.contains("portforward"), "{test}: {missing}");
        assert_eq!(wrong(&report), ["permission-missing"], "{test}: {report:#}");
    }
    let report = at(&bed, bed.namespace(), "test meshsync -o json").kubeconfig(&kubeconfig).run_beside().await.json();
    for step in ["connection", "healthz", "readyz"] {
        assert_eq!(hop(&report, step)["status"], "unknown", "{report:#}");
    }
    assert_eq!(checked(&report, "meshsync-answers")["status"], "skip");
    let finding = found(&report, "permission-missing");
    assert_eq!(finding["kind"], "obstacle");
    Ok(())
}
