//! `test broker`: every server is measured separately.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_valid, checked, problem_codes};
use crate::{
    bed::{self, Line, Stack, rest, users},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease, arguments: &str) -> Ran {
    let arguments = format!("test broker -o json {arguments}");
    at(bed, bed.namespace(), &arguments).run_beside().await
}

fn three_brokers(bed: &bed::Lease) -> bed::Setup {
    Stack::of(Line::Current).namespace(bed.namespace()).brokers(3)
}

/// How a server's steps ended: `reach=pass authorize=pass …`.
fn steps(report: &Value, server: &str) -> String {
    let hops = report["test"]["hops"].as_array().into_iter().flatten();
    let its = hops.filter(|hop| hop["server"] == server);
    let words: Vec<String> = its.map(|hop| format!("{}={}", text(&hop["id"]), text(&hop["status"]))).collect();
    words.join(" ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

const ALL_PASSED: &str = "reach=pass authorize=pass round-trip=pass loop=pass clients=pass";

#[tokio::test]
async fn each_of_three_servers_is_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = three_brokers(&bed).start(&bed).await?;
    let _meshsync = stack.meshsync(1).await?;
    // A client that subscribes to everything, as people do to watch the traffic, receives the test's messages as well.
    let _everything = stack.nats(0).listen(">").await?;
    // The bed's servers are not clustered. This is reported, and all of them are still measured.
    let report = test(&bed, "--count 7").await.exits(1).json();
    assert_valid(&report);
    for server in stack.brokers() {
        assert_eq!(steps(&report, &server.name), ALL_PASSED, "{report:#}");
    }
    let hops = report["test"]["hops"].as_array().expect("steps");
    for id in ["round-trip", "loop"] {
        let counts: Vec<&Value> =
            hops.iter().filter(|hop| hop["id"] == id).map(|hop| &hop["timing"]["count"]).collect();
        assert_eq!(counts, [7, 7, 7], "{id}");
    }
    let named: Vec<&str> = hops
        .iter()
        .filter(|hop| hop["id"] == "clients" && text(&hop["detail"]).contains("meshsync"))
        .map(|hop| text(&hop["server"]))
        .collect();
    assert_eq!(named, [stack.nats(1).name.as_str()]);
    assert_eq!(checked(&report, "broker-delivers")["status"], "pass");
    assert_eq!(problem_codes(&report), ["broker-split"], "{report:#}");
    Ok(())
}

#[tokio::test]
async fn frozen_server_is_named_and_the_others_are_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = three_brokers(&bed).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    stack.nats(2).pause()?;
    let ran = test(&bed, "--timeout 10s").await;
    let report = ran.json();
    assert_ne!(ran.code, 0, "{report:#}");
    assert_valid(&report);
    for server in &stack.brokers()[..2] {
        assert_eq!(steps(&report, &server.name), ALL_PASSED, "{report:#}");
    }
    let frozen = steps(&report, &stack.nats(2).name);
    // No byte from it came through the port-forward, so it is unknown which of the two is silent.
    assert!(frozen.starts_with("reach=unknown"), "{frozen}: {report:#}");
    assert!(problem_codes(&report).contains(&"broker-unreachable"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn server_that_refuses_the_token_is_not_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let secret = stack.path("v1", "Secret", "meshery-nats-auth");
    let other = json!({ "data": { "token": users::base64("another") } });
    rest::merge(&stack.client, &secret, &other).await?;
    let report = test(&bed, "").await.exits(1).json();
    assert_valid(&report);
    assert_eq!(steps(&report, &stack.nats(0).name), "reach=pass authorize=fail clients=pass", "{report:#}");
    assert!(problem_codes(&report).contains(&"broker-auth-failed"), "{report:#}");
    assert_eq!(checked(&report, "broker-delivers")["status"], "unknown");
    Ok(())
}

#[tokio::test]
async fn nothing_is_measured_without_a_broker() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let set = stack.path("apps/v1", "StatefulSet", "meshery-nats");
    rest::delete(&stack.client, &set).await?;
    bed::until("its pod to be gone", Duration::from_secs(30), || async {
        Ok(stack.pods("broker").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed, "").await.exits(1).json();
    assert_valid(&report);
    assert_eq!(report["test"]["hops"][0]["status"], "skip", "{report:#}");
    assert!(problem_codes(&report).contains(&"broker-no-workload"), "{report:#}");
    Ok(())
}
