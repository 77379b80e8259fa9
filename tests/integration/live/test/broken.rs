//! A MeshSync in trouble, and what is made of it.

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
async fn one_that_is_killed_is_not_connected_and_nothing_is_written() -> Result<()> {
    let scene = Scene::recorded(|setup| setup).await?;
    let meshsync = scene.meshsync().await?;
    meshsync.kill();
    bed::until("the broker to notice", LIMIT, || async {
        Ok((!scene.stack.nats(0).lists("meshsync").await?).then_some(()))
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
async fn one_that_is_frozen_is_silent_and_does_not_answer_either() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let meshsync = scene.meshsync().await?;
    meshsync.pause()?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "meshsync-silent");
    assert_eq!(events(&report), ["fail"; 3]);
    let silent = finding(&report, "meshsync-silent");
    assert_evidence(silent, "the request for its version: no answer came");
    assert_evidence(silent, "acknowledged ADDED, MODIFIED, DELETED");
    assert_evidence(silent, "nothing of it came on meshery.meshsync.core");
    assert_eq!(report["components"]["meshsync"]["state"], "CONNECTED");
    scene.assert_nothing_is_left().await?;

    // Let go on, it does what it should.
    meshsync.resume()?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    Ok(())
}

#[tokio::test]
async fn one_that_only_keeps_its_connection_is_silent() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { mute: true, ..Faults::default() };
    let meshsync = scene.faulty(&faults).await?;
    // The kubelet finds nothing wrong with it.
    assert_eq!(meshsync.health("/readyz").await?, 200);
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "meshsync-silent");
    let silent = finding(&report, "meshsync-silent");
    assert_evidence(silent, "the request for its version: no answer came");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn one_that_is_blind_for_some_kinds_is_told_though_every_event_came() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    scene.let_meshsync_read(&["configmaps", "deployments", "namespaces"]).await?;
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
async fn one_without_the_reader_role_names_no_cluster() -> Result<()> {
    let scene = Scene::of(bed::Setup::stock).await?;
    let _meshsync = scene.meshsync().await?;
    let report = scene.dataflow(1, "").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert_root(&report, "meshsync-cannot-list");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["causedBy"], json!(["meshsync-cannot-list"]));
    assert_eq!(wrong["title"], "Events name no cluster");
    Ok(())
}

#[tokio::test]
async fn one_that_is_blind_for_what_is_made_is_not_called_silent_alone() -> Result<()> {
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
    assert_evidence(silent, "it answered the request for its version");
    assert_eq!(resource(&report, "configmaps.v1.")["readable"], false);
    assert_eq!(resource(&report, "services.v1.")["readable"], true);
    // With what it may read, all is well but for its sight.
    let report = scene.dataflow(1, "--kind service").await;
    assert_eq!(events(&report), ["pass"; 3]);
    assert_root(&report, "meshsync-cannot-list");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn one_on_another_server_than_its_reader_is_apart_from_it() -> Result<()> {
    let scene = Scene::of(|setup| setup.brokers(3)).await?;
    let _meshsync = scene.stack.publishing(1, &Faults::default()).await?;
    {
        let _server = scene.stack.server(0)?;
        let report = scene.dataflow(1, "").await;
        assert_root(&report, "broker-split");
        // We listen to every server, and so hear what the reader does not.
        assert_eq!(events(&report), ["pass"; 3]);
        assert_eq!(
            finding(&report, "broker-split")["title"],
            "MeshSync is on meshery-nats-1, Meshery Server on meshery-nats-0: every message is lost"
        );
    }
    bed::until("the reader to be gone", LIMIT, || async {
        Ok((!scene.stack.nats(0).lists("meshery-server").await?).then_some(()))
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
async fn one_that_names_another_cluster() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { cluster_id: Some("another".to_owned()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "flow-wrong-cluster-id");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["title"], "Events name another cluster");
    let ours = scene.cluster_id().await?;
    assert_evidence(wrong, ours.as_str().unwrap_or_default());
    assert_evidence(wrong, "another");
    assert_eq!(events(&report), ["pass"; 3]);
    Ok(())
}

#[tokio::test]
async fn one_that_names_no_cluster_though_it_may_read_its_name() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { cluster_id: Some(String::new()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "").await;
    assert_root(&report, "flow-wrong-cluster-id");
    let wrong = finding(&report, "flow-wrong-cluster-id");
    assert_eq!(wrong["title"], "Events name no cluster");
    let message = wrong["message"].as_str().unwrap_or_default();
    assert!(!message.contains("may not read"), "{message}");
    Ok(())
}

#[tokio::test]
async fn one_that_takes_its_time_is_slow_by_at_least_that() -> Result<()> {
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
    // What the API server takes is no part of it.
    assert_evidence(finding(&report, "flow-slow"), "told a watch of ours");
    scene.dataflow(1, "--fail-on warning").await;
    Ok(())
}

#[tokio::test]
async fn one_that_publishes_where_nobody_listens() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { subject: Some("elsewhere.core".to_owned()), ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "flow-wrong-subject");
    assert_eq!(
        finding(&report, "flow-wrong-subject")["title"],
        "Events come on elsewhere.core, and not on meshery.meshsync.core"
    );
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn one_that_loses_events_is_told_which() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let faults = Faults { drop: vec!["MODIFIED".to_owned()], ..Faults::default() };
    let _meshsync = scene.faulty(&faults).await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert_root(&report, "flow-event-missing");
    assert_eq!(finding(&report, "flow-event-missing")["title"], "1 of 3 events did not come: MODIFIED");
    assert_eq!(events(&report), ["pass", "fail", "pass"]);
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn two_of_them_say_everything_twice() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _one = scene.stand_in().await?;
    let two = scene.stand_in().await?;
    let report = scene.dataflow(0, "").await;
    assert_eq!(finding(&report, "meshsync-duplicated")["title"], "Every event comes 2 times");
    assert_eq!(events(&report), ["pass"; 3]);
    two.kill();
    bed::until("one to be left", LIMIT, || async {
        let report = scene.dataflow(0, "").await;
        Ok((roots(&report).is_empty()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_broker_that_takes_only_small_messages_is_told_and_not_meshsync() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _broker = scene.broker_with("max_payload: 256").await?;
    let _meshsync = scene.stand_in().await?;
    let report = scene.dataflow(1, "--wait 1s").await;
    assert!(!codes(&report).contains(&"meshsync-silent"), "{:#}", report["findings"]);
    let found = finding(&report, "flow-message-too-big");
    assert_eq!(found["title"], "The broker takes no message over 256 bytes");
    assert_evidence(found, "meshery-nats-0: max_payload is 256");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn a_broker_that_refuses_the_token_lets_nobody_listen() -> Result<()> {
    let scene = Scene::recorded(|setup| setup).await?;
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
async fn a_cluster_without_the_stack_is_no_place_to_write_in() -> Result<()> {
    let bed = bed::private_with(&bed::Options { audit: true, ..bed::Options::default() }).await?;
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
