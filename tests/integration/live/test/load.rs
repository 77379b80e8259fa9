//! Many messages at once, and messages that are not events.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::{LIMIT, Scene, at, hop, reported, resource};
use crate::{
    bed::{self, rest},
    tool::Ran,
};

/// The number of events that are sent at once.
const MANY: u64 = 1000;

/// The subject of the events.
const EVENTS: &str = "meshery.meshsync.core";

impl Scene {
    /// Runs `test dataflow --passive` and starts `work` as soon as the test listens. Also returns the peak memory of
    /// the test after the work, in KiB.
    async fn while_listening(&self, window: &str, work: impl Future<Output = Result<()>>) -> Result<(Ran, u64)> {
        let arguments = format!("test dataflow -o json --timeout 60s --passive {window}");
        let tool = at(&self.bed, &self.stack.namespace, &arguments);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let run = tokio::task::spawn_blocking(move || {
            tool.run_with_pid(|pid| {
                let _ = sender.send(pid);
            })
        });
        let pid = receiver.await?;
        bed::until("the test to listen", LIMIT, || async {
            Ok(self.stack.nats(0).has_subscriber(EVENTS).await?.then_some(()))
        })
        .await?;
        work.await?;
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).context("the test ended before all was sent")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        Ok((run.await?, peak.context("no peak")?.parse()?))
    }
}

#[tokio::test]
async fn thousand_objects_created_at_once_are_all_counted() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let collection = rest::collection("v1", "ConfigMap", Some(&scene.stack.namespace));
    let client = &scene.stack.client;
    let make = async {
        stream::iter(0..MANY)
            .map(|number| {
                let name = format!("one-of-many-{number}");
                let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
                let collection = &collection;
                async move { rest::post(client, collection, &object).await }
            })
            .buffer_unordered(32)
            .try_for_each(|_| async { Ok(()) })
            .await
    };
    let (ran, peak) = scene.while_listening("20s", make).await?;
    let report = reported(&ran.exits(0));
    assert_eq!(resource(&report, "configmaps.v1.")["added"], MANY);
    assert_eq!(hop(&report, "events")["status"], "pass");
    assert!(peak < 64 * 1024, "{peak} KiB");
    Ok(())
}

#[tokio::test]
async fn thousand_messages_at_once_are_all_counted_despite_invalid_ones() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.stack.meshsync(0).await?;
    let client = scene.stack.nats(0).client().await?;
    let most = client.server_info().max_payload;
    let send = async {
        for number in 0..MANY {
            if number == MANY / 2 {
                // In the middle: a truncated message, one that is not text, one of the maximum size, and an event of
                // the maximum size.
                let cut = br#"{"ObjectType":"meshsync-data","EventType":"ADDED","Object":{"#;
                client.publish(EVENTS, cut.to_vec().into()).await?;
                client.publish(EVENTS, vec![0xff; 100].into()).await?;
                client.publish(EVENTS, vec![b'['; most].into()).await?;
                let mut large = event(number, "");
                large["Object"]["data"] = "x".repeat(most - large.to_string().len() - 100).into();
                client.publish(EVENTS, large.to_string().into()).await?;
                continue;
            }
            let event = event(number, "small").to_string();
            client.publish(EVENTS, event.into()).await?;
        }
        client.flush().await?;
        Ok(())
    };
    let (ran, peak) = scene.while_listening("5s", send).await?;
    let report = reported(&ran.exits(0));
    // Nothing else has this kind, so the count must be exact.
    let counted = resource(&report, "Burst.example.com/v1");
    assert_eq!(counted["added"], MANY, "{counted}");
    let detail = hop(&report, "events")["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("3 messages were not events"), "{detail}");
    assert!(peak < 64 * 1024, "{peak} KiB");
    Ok(())
}

/// An event as MeshSync publishes it.
fn event(number: u64, data: &str) -> Value {
    json!({
        "ObjectType": "meshsync-data", "EventType": "ADDED", "Request": null,
        "Object": {
            "id": "", "apiVersion": "example.com/v1", "kind": "Burst", "cluster_id": "some", "data": data,
            "metadata": { "name": format!("burst-{number}"), "resourceVersion": "1" },
        },
    })
}

#[tokio::test]
async fn invalid_messages_do_not_hide_the_events_of_a_test() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let client = scene.stack.nats(0).client().await?;
    let noise = async {
        loop {
            let _ = client.publish(EVENTS, vec![b'['; 100_000].into()).await;
            let _ = client.publish(EVENTS, "{\"Object\":".into()).await;
            let _ = client.flush().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let report = tokio::select! {
        report = scene.dataflow(0, "--count 5") => report,
        () = noise => unreachable!("the noise does not end"),
    };
    for id in ["added", "modified", "deleted"] {
        assert_eq!(hop(&report, id)["timing"]["count"], 5);
    }
    Ok(())
}
