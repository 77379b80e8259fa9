//! Real NATS servers with problems, and how they are diagnosed.

use anyhow::Result;
use serde_json::Value;

use super::{check, codes, until_checked};
use crate::{
    bed::{self, Broker, Lease, Line, Stack, rest},
    tool::{roots, states},
};

async fn stack(bed: &Lease) -> Result<Stack> {
    Stack::of(Line::Current).namespace(bed.namespace()).start(bed).await
}

/// A server with additional settings in place of the stack's first one, behind the ports of its pod.
async fn replace_server(bed: &Lease, stack: &Stack, config: &str) -> Result<Broker> {
    stack.nats(0).kill();
    let token = stack.token.as_deref();
    Broker::with_config(bed, "meshery-nats-0", stack.nats(0).address, token, config).await
}

#[track_caller]
fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code}: {report:#}"))
}

#[track_caller]
fn assert_evidence(finding: &Value, words: &str) {
    let evidence = finding["evidence"].as_array().expect("evidence");
    assert!(
        evidence.iter().filter_map(Value::as_str).any(|line| line.contains(words)),
        "{words:?} is not in {evidence:?}"
    );
}

fn status<'a>(report: &'a Value, id: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    &checks.iter().find(|check| check["id"] == id).expect("the check")["status"]
}

#[tokio::test]
async fn broker_without_a_monitor_keeps_the_facts_of_its_greeting() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    stack.nats(0).kill();
    let token = stack.token.as_deref();
    let _bare = Broker::without_monitor(&bed, "meshery-nats-0", stack.nats(0).address, token).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+");
    assert_eq!(report["exitCode"], 3);
    assert_eq!(roots(&report), ["broker-monitor-unreachable"], "{report:#}");
    let found = finding(&report, "broker-monitor-unreachable");
    assert_eq!(found["severity"], "warning");
    assert_evidence(found, "port 4222: NATS 2.");
    assert_evidence(found, "nothing listens");
    // No monitor confirmed its identity, so it received no token.
    assert_eq!(status(&report, "broker-token-accepted"), "unknown");
    assert_eq!(status(&report, "broker-protected"), "pass");
    Ok(())
}

#[tokio::test]
async fn broker_that_requires_tls_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let tls =
        format!("tls {{ cert_file: {:?}, key_file: {:?} }}", bed.file("apiserver.crt"), bed.file("apiserver.key"));
    let _server = replace_server(&bed, &stack, &tls).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report), ["broker-requires-tls"], "{report:#}");
    let found = finding(&report, "broker-requires-tls");
    assert_evidence(found, "INFO from meshery-nats-0 contains tls_required: true");
    assert_eq!(finding(&report, "meshsync-not-connected")["causedBy"][0], "broker-requires-tls");
    assert_eq!(states(&report), "DEPLOYED/RUNNING/DEPLOYED");
    Ok(())
}

#[tokio::test]
async fn connection_count_near_or_at_the_limit_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let server = replace_server(&bed, &stack, "max_connections: 10").await?;
    let _meshsync = stack.meshsync(0).await?;
    let _idle = server.open_idle_connections(4)?;
    let report = check(&bed, bed.namespace()).await;
    assert!(!codes(&report).contains(&"broker-near-limit"), "{report:#}");

    let _more = server.open_idle_connections(4)?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert_eq!(roots(&report)[0], "broker-near-limit", "{report:#}");
    assert_evidence(finding(&report, "broker-near-limit"), "max_connections 10");

    // The connection of the last probe may still be open.
    let soon = std::time::Duration::from_secs(5);
    let _last =
        bed::until("a free tenth connection", soon, || async { Ok(server.open_idle_connections(1).ok()) }).await?;
    let report = check(&bed, bed.namespace()).await;
    let found = finding(&report, "broker-near-limit");
    assert_eq!(found["severity"], "error", "{found}");
    assert_evidence(found, "connections 10, max_connections 10");
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    Ok(())
}

#[tokio::test]
async fn small_max_payload_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _server = replace_server(&bed, &stack, "max_payload: 65536").await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_evidence(finding(&report, "broker-payload-limit"), "max_payload 65536");
    assert_eq!(roots(&report)[0], "broker-payload-limit", "{report:#}");
    Ok(())
}

#[tokio::test]
async fn lame_duck_server_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    // Without a client the server would end at once.
    let _meshsync = stack.meshsync(0).await?;
    stack.nats(0).lame_duck()?;
    let report = until_checked("the client port to close", std::time::Duration::from_secs(5), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok(codes(&report).contains(&"broker-lame-duck").then_some(report))
    })
    .await?;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert_eq!(roots(&report)[0], "broker-lame-duck", "{report:#}");
    let found = finding(&report, "broker-lame-duck");
    assert_eq!(found["severity"], "warning");
    assert_evidence(found, "4222 refuses new clients");
    Ok(())
}

#[tokio::test]
async fn slow_consumer_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let server = replace_server(&bed, &stack, "max_pending: 1048576").await?;
    let _meshsync = stack.meshsync(0).await?;
    assert!(!codes(&check(&bed, bed.namespace()).await).contains(&"broker-slow-consumer"));
    server.overflow_slow_consumer()?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-slow-consumer", "{report:#}");
    assert_evidence(finding(&report, "broker-slow-consumer"), "slow_consumers 1");
    Ok(())
}

#[tokio::test]
async fn server_without_its_subscription_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let _server = bed::FakeClient::connect(
        "meshery-server",
        &stack.nats(0).endpoint(),
        stack.token.as_deref(),
        &["meshery-server.meshsync.store".to_owned()],
    )?;
    let come = std::time::Duration::from_secs(20);
    let report = until_checked("the server to be connected long enough", come, || async {
        let report = check(&bed, bed.namespace()).await;
        let known = status(&report, "broker-reader-listens") != "unknown";
        Ok(known.then_some(report))
    })
    .await?;
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/CONNECTED");
    assert_eq!(roots(&report), ["broker-server-not-subscribed"], "{report:#}");
    assert_evidence(finding(&report, "broker-server-not-subscribed"), "subscribes to meshery-server.meshsync.store");
    Ok(())
}

#[tokio::test]
async fn clients_on_two_unclustered_servers_are_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).brokers(2).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    {
        let _server = stack.server(1)?;
        let report = check(&bed, bed.namespace()).await;
        assert_eq!(states(&report), "DEPLOYED/CONNECTED/CONNECTED");
        assert_eq!(roots(&report), ["broker-split"]);
        assert_eq!(
            finding(&report, "broker-split")["title"],
            "MeshSync is on meshery-nats-0, Meshery Server on meshery-nats-1: every message is lost"
        );
    }
    let _server = stack.server(0)?;
    let report = check(&bed, bed.namespace()).await;
    let title = finding(&report, "broker-split")["title"].as_str().unwrap_or_default();
    assert!(title.contains("share one by chance"), "{title}");
    Ok(())
}

#[tokio::test]
async fn missing_token_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    rest::delete(&stack.client, &stack.path("v1", "Secret", "meshery-nats-auth")).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-token-missing", "{report:#}");
    // Connected clients stay connected.
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");
    assert_eq!(report["exitCode"], 1);
    Ok(())
}

#[tokio::test]
async fn service_without_matching_pods_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let selector = serde_json::json!({ "spec": { "selector": { "app": "meshery", "component": "broker",
        "app.kubernetes.io/component": null, "app.kubernetes.io/instance": null, "app.kubernetes.io/name": null } } });
    let service = stack.path("v1", "Service", "meshery-nats");
    rest::merge(&stack.client, &service, &selector).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-no-endpoints", "{report:#}");
    assert_evidence(finding(&report, "broker-no-endpoints"), "spec.selector is app=meshery, component=broker");
    Ok(())
}
