//! `test broker`: every server is measured by itself.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{checked, fits, wrong};
use crate::{
    bed::{self, Line, Stack, rest, users},
    live::at,
    tool::Ran,
};

async fn test(bed: &bed::Lease, arguments: &str) -> Ran {
    let arguments = format!("test broker -o json {arguments}");
    at(bed, bed.namespace(), &arguments).run_beside().await
}

fn three(bed: &bed::Lease) -> bed::Setup {
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

const WELL: &str = "reach=pass authorize=pass round-trip=pass loop=pass clients=pass";

#[tokio::test]
async fn each_of_three_servers_is_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = three(&bed).start(&bed).await?;
    let _meshsync = stack.meshsync(1).await?;
    // Whoever listens to everything, as people do to look on, hears what is sent to nobody.
    let _everything = stack.nats(0).listen(">").await?;
    // The bed's servers do not know of each other, which is told and keeps none from being measured.
    let report = test(&bed, "--count 7").await.exits(1).json();
    fits(&report);
    for server in stack.brokers() {
        assert_eq!(steps(&report, &server.name), WELL, "{report:#}");
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
    assert_eq!(wrong(&report), ["broker-split"], "{report:#}");
    Ok(())
}

#[tokio::test]
async fn a_frozen_one_is_named_and_the_others_are_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = three(&bed).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    stack.nats(2).pause()?;
    let ran = test(&bed, "--timeout 10s").await;
    let report = ran.json();
    assert_ne!(ran.code, 0, "{report:#}");
    fits(&report);
    for server in &stack.brokers()[..2] {
        assert_eq!(steps(&report, &server.name), WELL, "{report:#}");
    }
    let frozen = steps(&report, &stack.nats(2).name);
    // No byte of it came through the port-forward, so nobody can say whose silence it is.
    assert!(frozen.starts_with("reach=unknown"), "{frozen}: {report:#}");
    assert!(wrong(&report).contains(&"broker-unreachable"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn one_that_refuses_the_token_is_not_measured() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let secret = stack.path("v1", "Secret", "meshery-nats-auth");
    let other = json!({ "data": { "token": users::base64("another") } });
    rest::merge(&stack.client, &secret, &other).await?;
    let report = test(&bed, "").await.exits(1).json();
    fits(&report);
    assert_eq!(steps(&report, &stack.nats(0).name), "reach=pass authorize=fail clients=pass", "{report:#}");
    assert!(wrong(&report).contains(&"broker-auth-failed"), "{report:#}");
    assert_eq!(checked(&report, "broker-delivers")["status"], "unknown");
    Ok(())
}

#[tokio::test]
async fn without_a_broker_there_is_nobody_to_measure() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let set = stack.path("apps/v1", "StatefulSet", "meshery-nats");
    rest::delete(&stack.client, &set).await?;
    bed::until("its pod to go", Duration::from_secs(30), || async {
        Ok(stack.pods("broker").await?.is_empty().then_some(()))
    })
    .await?;
    let report = test(&bed, "").await.exits(1).json();
    fits(&report);
    assert_eq!(report["test"]["hops"][0]["status"], "skip", "{report:#}");
    assert!(wrong(&report).contains(&"broker-no-workload"), "{report:#}");
    Ok(())
}
