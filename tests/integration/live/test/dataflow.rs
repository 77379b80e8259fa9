//! A data flow without problems.

use anyhow::Result;
use serde_json::json;

use super::{KINDS, Scene, events, hop, resource, step_result};
use crate::tool::roots;

#[tokio::test]
async fn every_event_arrives_with_its_times_and_this_cluster_id() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let _server = scene.stack.server(0)?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(roots(&report), [""; 0], "{:#}", report["findings"]);
    assert_eq!(report["verdict"], "healthy");
    assert_eq!(step_result(&report, "acknowledged"), ("pass".into(), 3));
    assert_eq!(step_result(&report, "watched"), ("pass".into(), 3));
    for id in ["added", "modified", "deleted"] {
        assert_eq!(step_result(&report, id), ("pass".into(), 1));
        // An event takes at least one broker round trip.
        assert!(hop(&report, id)["timing"]["minMicros"].as_u64() > Some(0));
    }
    assert_eq!(step_result(&report, "round-trip"), ("pass".into(), 3));
    assert_eq!(hop(&report, "round-trip")["server"], "meshery-nats-0");

    let checks = report["checks"].as_array().expect("checks");
    let named = checks.iter().find(|check| check["id"] == "flow-cluster-id");
    let named = named.expect("the check of the id");
    assert_eq!(named["status"], "pass");
    assert_eq!(named["reason"], scene.cluster_id().await?);

    let resources = report["test"]["resources"].as_array().expect("resources");
    let watched = resources.iter().filter(|resource| resource["readable"] == true);
    assert_eq!(watched.count(), 21);
    let config_maps = resource(&report, "configmaps.v1.");
    for event in ["added", "modified", "deleted"] {
        assert!(config_maps[event].as_u64() >= Some(1), "{config_maps}");
    }
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn table_output_shows_the_same_result() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let ran = scene.run("test dataflow").await.exits(0);
    for words in [
        "Data flow test",
        "change acknowledged by the API server",
        "ADDED received from the broker",
        "MODIFIED received from the broker",
        "DELETED received from the broker",
        "MeshSync can read all 21 resources",
    ] {
        assert!(ran.stdout.contains(words), "{words} is not in\n{}", ran.stdout);
    }
    // The content of the object, and of Secrets on the same subject, must not be printed.
    assert!(!ran.stdout.contains("safe to delete"), "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn count_option_gives_more_times() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(0, "--count 5").await;
    assert_eq!(step_result(&report, "acknowledged"), ("pass".into(), 15));
    for id in ["added", "modified", "deleted"] {
        assert_eq!(step_result(&report, id), ("pass".into(), 5));
        let timing = &hop(&report, id)["timing"];
        let [min, p50, p95, max] =
            ["minMicros", "p50Micros", "p95Micros", "maxMicros"].map(|name| timing[name].as_u64().expect("a time"));
        assert!(min <= p50 && p50 <= p95 && p95 <= max, "{timing}");
    }
    assert!(resource(&report, "configmaps.v1.")["added"].as_u64() >= Some(5));
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn every_probe_kind_works() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let resources =
        ["configmaps.v1.", "deployments.v1.apps", "replicasets.v1.apps", "cronjobs.v1.batch", "services.v1."];
    for ((word, ..), name) in KINDS.into_iter().zip(resources) {
        let report = scene.dataflow(0, &format!("--kind {word}")).await;
        assert_eq!(events(&report), ["pass"; 3], "{word}");
        assert_eq!(roots(&report), [""; 0], "{word}: {:#}", report["findings"]);
        assert!(resource(&report, name)["added"].as_u64() >= Some(1));
        // No pod is started.
        assert_eq!(resource(&report, "pods.v1.")["added"], 0, "{word}");
    }
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn probe_namespace_can_be_another_one() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let other = format!("{}-other", scene.stack.namespace);
    scene.bed.create_namespace(&other).await?;
    // Nothing can be created in the namespace of the stack.
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "none", "namespace": scene.stack.namespace },
        "spec": { "hard": { "count/configmaps": "0" } },
    });
    scene.bed.apply_yaml(&quota.to_string()).await?;
    let report = scene.dataflow(0, &format!("--probe-namespace {other}")).await;
    assert_eq!(events(&report), ["pass"; 3]);
    scene.assert_nothing_is_left().await
}
