//! The data flow test as a part of `system check`, and in a recording.

use anyhow::Result;
use serde_json::Value;

use super::{Scene, events, finding, reported};
use crate::{
    bed::Faults,
    tool::{meshdoctor, roots},
};

/// The flow checks: their ids and statuses.
fn flow_checks(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().expect("checks");
    let text = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    checks
        .iter()
        .map(|check| format!("{} {}", text(check, "id"), text(check, "status")))
        .filter(|check| check.starts_with("flow-"))
        .collect()
}

#[tokio::test]
async fn check_with_synthetic_tests_the_data_flow() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let report = reported(&scene.run("system check -o json").await.exits(0));
    assert!(report["test"].is_null() && flow_checks(&report).is_empty());
    let report = reported(&scene.run("system check -o json --synthetic").await.exits(0));
    assert_eq!(report["kind"], "Report");
    assert_eq!(events(&report), ["pass"; 3]);
    assert!(flow_checks(&report).contains(&"flow-arrives pass".to_owned()));
    assert!(flow_checks(&report).contains(&"flow-cluster-id pass".to_owned()));
    assert_eq!(roots(&report), [""; 0], "{:#}", report["findings"]);
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn recording_contains_the_result_of_the_test() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { drop: vec!["DELETED".to_owned()], ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let live = reported(&scene.run("system check -o json --synthetic").await.exits(1));
    assert_eq!(roots(&live), ["flow-event-missing"]);
    let recording = scene.run("record --synthetic").await.exits(0);
    let replayed = meshdoctor("system check -o json --from -").stdin(&recording.stdout).run_beside().await.exits(1);
    let replayed = reported(&replayed);
    assert_eq!(roots(&replayed), roots(&live));
    assert_eq!(events(&replayed), events(&live));
    assert_eq!(flow_checks(&replayed), flow_checks(&live));
    let title = |report: &Value| finding(report, "flow-event-missing")["title"].clone();
    assert_eq!(title(&replayed), title(&live));
    assert_eq!(title(&live), "1 of 3 events are missing: DELETED");
    scene.assert_nothing_is_left().await
}
