//! The contents of MeshSync's store, compared with the API server.

use anyhow::Result;
use serde_json::{Value, json};

use super::{LIMIT, Scene, assert_evidence, finding, resource};
use crate::bed::{self, rest, watch_list};

/// A test with `--store`, once MeshSync publishes its store. It does so some seconds after it has listed everything.
async fn with_store(scene: &Scene, code: i32) -> Result<Value> {
    bed::until("MeshSync's store", LIMIT, || async {
        let ran = scene.run("test dataflow -o json --store").await;
        assert!(ran.stderr.contains("--store makes MeshSync publish"), "{}", ran.stderr);
        let report = ran.json();
        let given = report["test"]["resources"][0]["stored"].is_u64();
        if given {
            super::reported(&ran.exits(code));
        }
        Ok(given.then_some(report))
    })
    .await
}

#[tokio::test]
async fn store_matches_the_api_server() -> Result<()> {
    // In a shared cluster, leftovers of other tests would be deleted during the count.
    let scene = Scene::private(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let report = with_store(&scene, 0).await?;
    for name in watch_list::RESOURCES {
        let counted = resource(&report, name);
        assert_eq!(counted["stored"], counted["served"], "{counted}");
    }
    for (name, kind) in [("namespaces.v1.", "Namespace"), ("services.v1.", "Service"), ("pods.v1.", "Pod")] {
        let there = rest::list(&scene.stack.client, &rest::collection("v1", kind, None)).await?;
        assert_eq!(resource(&report, name)["stored"], there.len(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn kind_added_after_meshsync_started_is_missing_from_the_store() -> Result<()> {
    let scene = Scene::of(|setup| setup.whitelist(&watch_list::of(&["configmaps.v1."]))).await?;
    let _meshsync = scene.meshsync().await?;
    let list = watch_list::of(&["configmaps.v1.", "services.v1."]);
    let change = json!({ "spec": { "watch-list": { "data": { "whitelist": list } } } });
    let path = scene.stack.custom_path("MeshSync");
    rest::merge(&scene.stack.client, &path, &change).await?;
    let report = with_store(&scene, 1).await?;
    let lacking = finding(&report, "flow-store-incomplete");
    let services = rest::collection("v1", "Service", None);
    let there = rest::list(&scene.stack.client, &services).await?.len();
    assert_evidence(lacking, &format!("services.v1.: none of {there}"));
    assert_eq!(resource(&report, "services.v1.")["stored"], 0);
    Ok(())
}

#[tokio::test]
async fn missing_list_permission_withholds_the_whole_store() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "--store").await;
    let checks = report["checks"].as_array().expect("checks");
    let store = checks.iter().find(|check| check["id"] == "flow-store");
    let store = store.expect("the check of the store");
    assert_eq!(store["status"], "unknown");
    let reason = store["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("did not publish its store"), "{reason}");
    assert!(resource(&report, "pods.v1.")["stored"].is_null());
    assert!(resource(&report, "pods.v1.")["served"].as_u64() >= Some(1));
    Ok(())
}
