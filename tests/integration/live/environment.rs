//! What MeshSync was started with, against what has become of it since.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{check, codes};
use crate::{
    bed::{self, Broker, Line, Stack, StandIn, rest, users},
    tool::{roots, states},
};

fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {report:#}"))
}

/// Longer than two clocks may differ that count as the same.
const CLOCK_SKEW: Duration = Duration::from_secs(6);

/// Deletes the Secret and makes it again, when MeshSync has been running for long enough that the times differ.
async fn make_the_secret_anew(stack: &Stack, token: &str) -> Result<()> {
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
async fn a_secret_made_anew_with_the_same_token_is_no_alarm_and_with_another_is() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let token = stack.token.clone().expect("a token");
    make_the_secret_anew(&stack, &token).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(report["verdict"], "healthy", "{report:#}");

    make_the_secret_anew(&stack, "tAnotherTokenThatMeshSyncNeverGot").await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-auth-failed", "{report:#}");
    let stale = finding(&report, "meshsync-stale-env");
    assert_eq!(stale["causedBy"][0], "broker-auth-failed");
    // It stays connected until something cuts it off.
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    Ok(())
}

#[tokio::test]
async fn a_meshsync_that_was_turned_away_for_its_token_is_told_so() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let refused = StandIn::connect("meshsync", &stack.nats(0).endpoint(), Some("tNotTheToken"), &[]);
    assert!(refused.is_err());
    let report = check(&bed, bed.namespace()).await;
    let silent = finding(&report, "meshsync-not-connected");
    assert!(
        silent["message"].as_str().is_some_and(|message| message.contains("turned it away for its token")),
        "{silent:#}"
    );
    Ok(())
}

#[tokio::test]
async fn a_meshsync_that_lost_the_broker_and_has_not_come_back_is_told_since_when() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    drop(stack.meshsync(0).await?);
    let report = bed::until("it to be gone", Duration::from_secs(10), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok((states(&report) == "DEPLOYED/RUNNING/DEPLOYED").then_some(report))
    })
    .await?;
    let silent = finding(&report, "meshsync-not-connected");
    assert!(silent["message"].as_str().is_some_and(|message| message.contains("It was connected until")), "{silent:#}");
    Ok(())
}

#[tokio::test]
async fn a_service_made_anew_with_another_address_leaves_meshsync_behind() -> Result<()> {
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
async fn where_nothing_proves_which_of_two_is_ours_the_broker_is_not_called_shared() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current)
        .namespace(bed.namespace())
        .service_type("LoadBalancer")
        .ingress("198.51.100.7".parse()?)
        .start(&bed)
        .await?;
    let _ours = stack.meshsync(0).await?;
    let broker: &Broker = stack.nats(0);
    let _other = StandIn::connect("meshsync", &broker.endpoint(), broker.token.as_deref(), &[])?;
    let report = check(&bed, bed.namespace()).await;
    // All of them come from one loopback address here, so that nothing proves which of the two is ours.
    assert!(codes(&report).contains(&"meshsync-foreign-client"), "{report:#}");
    assert!(!codes(&report).contains(&"broker-shared"), "{report:#}");
    Ok(())
}
