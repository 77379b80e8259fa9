//! What MeshSync publishes according to the watch-list, and tests of anything else.

use anyhow::Result;
use serde_json::json;

use super::{Scene, assert_evidence, assert_root, events, finding, hop, resource};
use crate::bed::watch_list;

#[tokio::test]
async fn invalid_watch_list_is_the_cause_of_silence() -> Result<()> {
    let scene = Scene::of(|setup| setup.whitelist("[{")).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "watch-list-invalid");
    let silent = finding(&report, "meshsync-silent");
    assert_eq!(silent["causedBy"], json!(["watch-list-invalid"]));
    assert_evidence(silent, "it responded to the request for its version");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn another_kind_is_chosen_if_the_first_is_not_watched() -> Result<()> {
    let list = watch_list::of(&["services.v1.", "pods.v1.", "cronjobs.v1.batch"]);
    let scene = Scene::of(|setup| setup.whitelist(&list)).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert!(resource(&report, "cronjobs.v1.batch")["added"].as_u64() >= Some(1));

    // An explicit request for the first kind is refused, and nothing is written.
    let before = scene.writes()?;
    let report = scene.dataflow(3, "--kind configmap").await;
    assert_root(&report, "flow-not-watched");
    let found = finding(&report, "flow-not-watched");
    assert_evidence(found, "the watch-list does not have configmaps.v1.");
    let command = found["remedy"]["commands"][0]["run"].as_str();
    assert!(command.is_some_and(|run| run.contains("--kind cronjob")), "{found:#}");
    assert_eq!(hop(&report, "tried")["status"], "unknown");
    assert_eq!(scene.writes()?, before);
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn event_type_outside_the_watch_list_is_not_missing() -> Result<()> {
    let list = json!([{ "Resource": "configmaps.v1.", "Events": ["ADDED", "DELETED"] }]);
    let scene = Scene::of(|setup| setup.whitelist(&list.to_string())).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(0, "--count 2").await;
    assert_root(&report, "watch-list-partial-events");
    assert_eq!(events(&report), ["pass", "skip", "pass"]);
    assert_eq!(hop(&report, "deleted")["timing"]["count"], 2);
    scene.assert_nothing_is_left().await
}
