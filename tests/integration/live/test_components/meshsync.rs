//! `test meshsync`: its health endpoints, its connection, and whether it answers.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_valid, checked, found, hop, problem_codes, with_publisher};
use crate::{
    bed::{self, Faults, Line, Stack, rest},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease) -> Ran {
    at(bed, bed.namespace(), "test meshsync -o json").run_beside().await
}

/// The status of each step, in order.
fn steps(report: &Value) -> String {
    ["connection", "healthz", "readyz", "meta"].map(|id| hop(report, id)["status"].as_str().unwrap_or("?")).join(" ")
}

async fn until_disconnected(stack: &Stack) -> Result<()> {
    bed::until("the broker to notice", Duration::from_secs(20), || async {
        Ok((!stack.nats(0).has_client("meshsync").await?).then_some(()))
    })
    .await
}

#[tokio::test]
async fn healthy_meshsync_passes_every_step() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, _publisher) = with_publisher(&bed).await?;
    let report = test(&bed).await.exits(0).json();
    assert_valid(&report);
    assert_eq!(steps(&report), "pass pass pass pass", "{report:#}");
    let connection = hop(&report, "connection")["detail"].to_string();
    assert!(connection.contains("meshery.meshsync.request"), "{connection}");
    // MeshSync reports its own version.
    assert!(hop(&report, "meta")["detail"].is_string(), "{report:#}");
    assert_eq!(problem_codes(&report), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn frozen_meshsync_is_connected_but_does_not_answer() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let report = test(&bed).await.exits(1).json();
    assert_valid(&report);
    assert_eq!(steps(&report), "pass warn warn fail", "{report:#}");
    assert_eq!(problem_codes(&report), ["meshsync-no-answer"]);
    Ok(())
}

#[tokio::test]
async fn mute_meshsync_passes_its_health_endpoints() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let mute = Faults { mute: true, ..Faults::default() };
    let _publisher = stack.start_publisher(0, &mute).await?;
    let report = test(&bed).await.exits(1).json();
    assert_eq!(steps(&report), "pass pass pass fail", "{report:#}");
    assert_eq!(problem_codes(&report), ["meshsync-no-answer"]);
    Ok(())
}

#[tokio::test]
async fn killed_meshsync_is_not_waited_for() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.kill();
    until_disconnected(&stack).await?;
    let report = test(&bed).await.exits(1).json();
    assert_valid(&report);
    // Nothing listens on its port, as with an operator line that has no health endpoints.
    assert_eq!(steps(&report), "fail skip skip skip", "{report:#}");
    assert_eq!(problem_codes(&report), ["meshsync-not-connected"]);
    Ok(())
}

#[tokio::test]
async fn meshsync_without_a_pod_is_not_queried() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.kill();
    until_disconnected(&stack).await?;
    let deployment = stack.path("apps/v1", "Deployment", "meshery-meshsync");
    let none = json!({ "spec": { "replicas": 0 } });
    rest::merge(&stack.client, &deployment, &none).await?;
    bed::until("the pod to be gone", Duration::from_secs(30), || async {
        Ok(stack.pods("meshsync").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed).await.exits(1).json();
    assert_valid(&report);
    assert_eq!(steps(&report), "fail skip skip skip", "{report:#}");
    let why = hop(&report, "healthz")["detail"].to_string();
    assert!(why.contains("no running pod"), "{why}");
    assert!(problem_codes(&report).contains(&"meshsync-scaled-to-zero"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn missing_health_endpoints_of_the_old_line_are_skipped() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Old).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    // The port-forward of its pod leads to a port on which nothing listens.
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
    assert_valid(&report);
    for page in ["healthz", "readyz"] {
        let page = hop(&report, page);
        assert_eq!(page["status"], "skip", "{page:#}");
        assert!(page["detail"].to_string().contains("1.0.1"), "{page:#}");
    }
    Ok(())
}

#[tokio::test]
async fn missing_port_forward_permission_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let (_stack, _publisher) = with_publisher(&bed).await?;
    let kubeconfig = super::permissions::without_port_forward(&bed).await?;
    for test in ["test meshsync", "test broker", "test dataflow"] {
        let ran = at(&bed, bed.namespace(), &format!("{test} -o json")).kubeconfig(&kubeconfig).run_beside().await;
        let report = ran.exits(3).json();
        assert_valid(&report);
        let missing = report["permissions"]["missing"].to_string();
        assert!(missing.contains("portforward"), "{test}: {missing}");
        assert_eq!(problem_codes(&report), ["permission-missing"], "{test}: {report:#}");
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
