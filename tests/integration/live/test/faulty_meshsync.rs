//! MeshSync with problems, and how they are diagnosed.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{
    super::codes, LIMIT, Scene, assert_evidence, assert_root, events, finding, hop, reported, resource,
    until_account_may,
};
use crate::{
    bed::{self, Faults, rest, users},
    tool::roots,
};

#[tokio::test]
async fn killed_meshsync_is_not_connected_and_nothing_is_written() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let meshsync = scene.meshsync().await?;
    meshsync.kill();
    bed::until("the broker to notice", LIMIT, || async {
        Ok((!scene.stack.nats(0).has_client("meshsync").await?).then_some(()))
    })
    .await?;
    let before = scene.writes()?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "meshsync-not-connected");
    assert_eq!(hop(&report, "tried")["status"], "fail");
    assert_eq!(scene.writes()?, before);
    Ok(())
}

#[tokio::test]
async fn frozen_meshsync_is_silent_and_does_not_answer() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let meshsync = scene.meshsync().await?;
    meshsync.pause()?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "meshsync-silent");
    assert_eq!(events(&report), ["fail"; 3]);
    let silent = finding(&report, "meshsync-silent");
    assert_evidence(silent, "request for its version: timed out");
    assert_evidence(silent, "acknowledged ADDED, MODIFIED, DELETED");
    assert_evidence(silent, "no event from it arrived on meshery.meshsync.core");
    assert_eq!(report["components"]["meshsync"]["state"], "CONNECTED");
    scene.assert_nothing_is_left().await?;

    // When resumed, it works as expected.
    meshsync.resume()?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    Ok(())
}

#[tokio::test]
async fn meshsync_that_only_keeps_its_connection_is_silent() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { mute: true, ..Faults::default() };
    let meshsync = scene.faulty(&faults).await?;
    // The kubelet sees no problem.
    assert_eq!(meshsync.health("/readyz").await?, 200);
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "meshsync-silent");
    let silent = finding(&report, "meshsync-silent");
    assert_evidence(silent, "request for its version: timed out");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn missing_list_permission_is_reported_although_all_events_arrive() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    scene.allow_meshsync_to_read(&["configmaps", "deployments", "namespaces"]).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert_root(&report, "meshsync-cannot-list");
    assert_evidence(finding(&report, "meshsync-cannot-list"), "pods");
    assert_eq!(resource(&report, "configmaps.v1.")["readable"], true);
    assert_eq!(resource(&report, "pods.v1.")["readable"], false);
    Ok(())
}

#[tokio::test]
async fn meshsync_without_the_reader_role_names_no_cluster() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert_root(&report, "meshsync-cannot-list");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["causedBy"], json!(["meshsync-cannot-list"]));
    assert_eq!(wrong["title"], "Events have no cluster ID");
    Ok(())
}

#[tokio::test]
async fn missing_list_permission_is_the_cause_of_silence() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    let rules = json!({ "rules": [
        { "apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["meshery.io"], "resources": ["meshsyncs"], "verbs": ["get", "list", "watch"] },
    ] });
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery-operator-role";
    rest::merge(&scene.stack.client, role, &rules).await?;
    let account = format!("system:serviceaccount:{}:meshery-operator", scene.stack.namespace);
    until_account_may(&scene.bed, &account, "configmaps", false).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "meshsync-cannot-list");
    let silent = finding(&report, "meshsync-silent");
    assert_eq!(silent["causedBy"], json!(["meshsync-cannot-list"]));
    assert_evidence(silent, "it responded to the request for its version");
    assert_eq!(resource(&report, "configmaps.v1.")["readable"], false);
    assert_eq!(resource(&report, "services.v1.")["readable"], true);
    // With a kind that MeshSync can list, all events arrive. The missing permission is still reported.
    let report = scene.dataflow(1, "--kind service").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert_root(&report, "meshsync-cannot-list");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn meshsync_and_reader_on_different_servers_are_split() -> Result<()> {
    let scene = Scene::of(|setup| setup.brokers(3)).await?;
    let _meshsync = scene.stack.start_publisher(1, &Faults::default()).await?;
    {
        let _server = scene.stack.server(0)?;
        let report = scene.dataflow(1, "").await;
        assert_root(&report, "broker-split");
        // The test subscribes on every server, so it receives what the reader does not.
        assert_eq!(events(&report), ["pass"; 3]);
        assert_eq!(
            finding(&report, "broker-split")["title"],
            "MeshSync is on meshery-nats-1, Meshery Server on meshery-nats-0: every message is lost"
        );
    }
    bed::until("the reader to be gone", LIMIT, || async {
        Ok((!scene.stack.nats(0).has_client("meshery-server").await?).then_some(()))
    })
    .await?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "broker-split");
    assert_eq!(events(&report), ["pass"; 3]);
    let hops = report["test"]["hops"].as_array().expect("steps");
    let servers = hops.iter().filter(|hop| hop["id"] == "round-trip");
    assert_eq!(servers.count(), 3);
    Ok(())
}

#[tokio::test]
async fn meshsync_that_names_another_cluster_is_reported() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { cluster_id: Some("another".to_owned()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "flow-wrong-cluster-id");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["title"], "Events have another cluster's ID");
    let ours = scene.cluster_id().await?;
    assert_evidence(wrong, ours.as_str().unwrap_or_default());
    assert_evidence(wrong, "another");
    assert_eq!(events(&report), ["pass"; 3]);
    Ok(())
}

#[tokio::test]
async fn meshsync_that_names_no_cluster_despite_permission_is_reported() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { cluster_id: Some(String::new()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "flow-wrong-cluster-id");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["title"], "Events have no cluster ID");
    let message = wrong["message"].as_str().unwrap_or_default();
    assert!(!message.contains("cannot read"), "{message}");
    Ok(())
}

#[tokio::test]
async fn slow_meshsync_is_reported_with_at_least_its_delay() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { delay: Duration::from_millis(1500), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(0, "--count 2").await;
    assert_root(&report, "flow-slow");
    assert_eq!(report["verdict"], "degraded");
    for id in ["added", "modified", "deleted"] {
        let timing = &hop(&report, id)["timing"];
        assert_eq!(timing["count"], 2);
        assert!(timing["minMicros"].as_u64() >= Some(1_500_000), "{timing}");
    }
    // The time of the API server is not included.
    assert_evidence(finding(&report, "flow-slow"), "meshdoctor's own watch received them");
    scene.dataflow(1, "--fail-on warning").await;
    Ok(())
}

#[tokio::test]
async fn events_on_another_subject_are_reported() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { subject: Some("elsewhere.core".to_owned()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "flow-wrong-subject");
    assert_eq!(
        finding(&report, "flow-wrong-subject")["title"],
        "Events arrive on elsewhere.core, not on meshery.meshsync.core"
    );
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn lost_events_are_named() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { drop: vec!["MODIFIED".to_owned()], ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "flow-event-missing");
    assert_eq!(finding(&report, "flow-event-missing")["title"], "1 of 3 events are missing: MODIFIED");
    assert_eq!(events(&report), ["pass", "fail", "pass"]);
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn two_publishers_send_every_event_twice() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _one = scene.fake_meshsync().await?;
    let two = scene.fake_meshsync().await?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(finding(&report, "meshsync-duplicated")["title"], "Every event arrives 2 times");
    assert_eq!(events(&report), ["pass"; 3]);
    two.kill();
    bed::until("one publisher to be left", LIMIT, || async {
        let report = scene.dataflow(0, "").await;
        Ok((roots(&report).is_empty()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn small_max_payload_is_reported_instead_of_silence() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _broker = scene.broker_with("max_payload: 256").await?;
    let _meshsync = scene.fake_meshsync().await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert!(!codes(&report).contains(&"meshsync-silent"), "{:#}", report["findings"]);
    let found = finding(&report, "flow-message-too-big");
    assert_eq!(found["title"], "The broker accepts no message larger than 256 bytes");
    assert_evidence(found, "meshery-nats-0: max_payload is 256");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn refused_token_prevents_the_dataflow_test() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let secret = scene.stack.path("v1", "Secret", "meshery-nats-auth");
    let another = json!({ "data": { "token": users::base64("another") } });
    rest::merge(&scene.stack.client, &secret, &another).await?;
    let before = scene.writes()?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "broker-auth-failed");
    assert_eq!(hop(&report, "tried")["status"], "unknown");
    assert_eq!(scene.writes()?, before);
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_to_a_cluster_without_the_stack() -> Result<()> {
    let bed = bed::lease_as_new().await?;
    let before = bed.audit()?.len();
    let ran = super::at(&bed, bed.namespace(), "test dataflow -o json").run_beside().await;
    let report = reported(&ran);
    assert_eq!(report["exitCode"], 1);
    assert_root(&report, "not-installed");
    let made = bed.audit()?;
    let probes = made[before..].iter().filter(|entry| {
        let name = entry["objectRef"]["name"].as_str();
        name.is_some_and(|name| name.starts_with("meshdoctor"))
    });
    assert_eq!(probes.count(), 0);
    Ok(())
}
