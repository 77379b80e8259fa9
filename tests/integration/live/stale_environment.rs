//! MeshSync's environment variables at its start, compared with what has changed since.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{check, codes, until_checked};
use crate::{
    bed::{self, Broker, FakeClient, Line, Stack, rest, users},
    tool::{roots, states},
};

fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {report:#}"))
}

/// Longer than the difference that is tolerated between two clocks.
const CLOCK_SKEW: Duration = Duration::from_secs(6);

/// Deletes the Secret and recreates it once MeshSync has been running long enough for the times to differ.
async fn recreate_secret(stack: &Stack, token: &str) -> Result<()> {
    let path = stack.path("v1", "Secret", "meshery-nats-auth");
    let mut secret = rest::get(&stack.client, &path).await?;
    rest::delete(&stack.client, &path).await?;
    stack.until_running_for("meshsync", CLOCK_SKEW).await?;
    secret["metadata"] = json!({ "name": "meshery-nats-auth" });
    secret["data"]["token"] = users::base64(token).into();
    let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
    rest::post(&stack.client, collection, &secret).await?;
    Ok(())
}

#[tokio::test]
async fn recreated_secret_is_reported_only_if_the_token_differs() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let token = stack.token.clone().expect("a token");
    recreate_secret(&stack, &token).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(report["verdict"], "healthy", "{report:#}");

    recreate_secret(&stack, "tAnotherTokenThatMeshSyncNeverGot").await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-auth-failed", "{report:#}");
    let stale = finding(&report, "meshsync-stale-env");
    assert_eq!(stale["causedBy"][0], "broker-auth-failed");
    // It stays connected until something disconnects it.
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    Ok(())
}

#[tokio::test]
async fn meshsync_with_a_rejected_token_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let refused = FakeClient::connect("meshsync", &stack.nats(0).endpoint(), Some("tNotTheToken"), &[]);
    assert!(refused.is_err());
    let report = check(&bed, bed.namespace()).await;
    let silent = finding(&report, "meshsync-not-connected");
    assert!(silent["message"].as_str().is_some_and(|message| message.contains("refused its token")), "{silent:#}");
    Ok(())
}

#[tokio::test]
async fn lost_connection_is_reported_with_its_time() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    drop(stack.meshsync(0).await?);
    let report = until_checked("it to be gone", Duration::from_secs(10), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok((states(&report) == "DEPLOYED/RUNNING/DEPLOYED").then_some(report))
    })
    .await?;
    let silent = finding(&report, "meshsync-not-connected");
    assert!(silent["message"].as_str().is_some_and(|message| message.contains("It was connected until")), "{silent:#}");
    Ok(())
}

#[tokio::test]
async fn meshsync_with_the_address_of_a_recreated_service_is_stale() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let path = stack.path("v1", "Service", "meshery-nats");
    let mut service = rest::get(&stack.client, &path).await?;
    rest::delete(&stack.client, &path).await?;
    let metadata = &mut service["metadata"];
    *metadata = json!({ "name": "meshery-nats", "labels": metadata["labels"] });
    let spec = service["spec"].as_object_mut().expect("a spec");
    spec.remove("clusterIP");
    spec.remove("clusterIPs");
    let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
    rest::post(&stack.client, collection, &service).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-endpoint-stale", "{report:#}");
    assert_eq!(finding(&report, "meshsync-stale-env")["causedBy"][0], "broker-endpoint-stale");
    assert!(codes(&report).contains(&"meshsync-not-connected"));
    Ok(())
}

#[tokio::test]
async fn broker_is_not_called_shared_without_proof() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current)
        .namespace(bed.namespace())
        .service_type("LoadBalancer")
        .ingress("198.51.100.7".parse()?)
        .start(&bed)
        .await?;
    let _ours = stack.meshsync(0).await?;
    let broker: &Broker = stack.nats(0);
    let _other = FakeClient::connect("meshsync", &broker.endpoint(), broker.token.as_deref(), &[])?;
    let report = check(&bed, bed.namespace()).await;
    // All clients come from one loopback address here, so nothing proves which of the two is ours.
    assert!(codes(&report).contains(&"meshsync-foreign-client"), "{report:#}");
    assert!(!codes(&report).contains(&"broker-shared"), "{report:#}");
    Ok(())
}
