//! Tests of the fake MeshSync that publishes. If `MESHSYNC_BIN` is set, the tests without faults run with the real one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::Subscriber;
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bed::{self, Faults, Line, Publisher, Stack, rest};

/// The timeout for something that must happen.
const LIMIT: Duration = Duration::from_secs(20);

/// The reply subject for requests of the store.
const STORE: &str = "store-asked-for";

/// A stack of the current operator line with a MeshSync that publishes, and its events from then on.
async fn publishing_stack(bed: &bed::Lease, faults: &Faults) -> Result<(Stack, Publisher, Subscriber)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(bed).await?;
    let publisher = stack.start_publisher(0, faults).await?;
    let events = stack.nats(0).listen("meshery.meshsync.core").await?;
    Ok((stack, publisher, events))
}

#[tokio::test]
async fn meshsync_is_healthy_and_connected_until_killed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher, _) = publishing_stack(&bed, &Faults::default()).await?;
    assert_eq!(publisher.health("/healthz").await?, 200);
    assert_eq!(publisher.health("/readyz").await?, 200);

    let pods: Api<Pod> = Api::namespaced(stack.client.clone(), &stack.namespace);
    let pod = stack.pods("meshsync").await?.pop().context("no pod")?;
    let mut forwarder = pods.portforward(&pod, &[11000]).await?;
    let mut stream = forwarder.take_stream(11000).context("no stream")?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    while !answer.ends_with("ok") {
        let mut some = [0; 512];
        let length = stream.read(&mut some).await?;
        ensure!(length > 0, "the stream ended after {answer:?}");
        answer.push_str(std::str::from_utf8(&some[..length])?);
    }
    assert_eq!(answer.split(' ').nth(1), Some("200"));

    assert!(stack.nats(0).has_client("meshsync").await?);
    publisher.kill();
    assert!(publisher.health("/healthz").await.is_err());
    bed::until("the broker to notice", LIMIT, || async {
        Ok((!stack.nats(0).has_client("meshsync").await?).then_some(()))
    })
    .await
}

#[tokio::test]
async fn events_have_the_recorded_format() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, mut events) = publishing_stack(&bed, &Faults::default()).await?;
    let object = config_map(&stack, "recorded-probe");
    let created = rest::write(&stack.client, rest::BED, &object).await?;
    let path = rest::path_of(&object)?;
    let change = json!({"metadata": {"labels": {"x": "y"}}});
    rest::merge(&stack.client, &path, &change).await?;
    rest::delete(&stack.client, &path).await?;

    let recorded = include_str!("meshsync/recorded.txt").lines();
    for recorded in recorded.map(|line| line.split_once("  ").unwrap_or_default()) {
        let event = next_of(&mut events, "recorded-probe").await?;
        assert_eq!(event["Object"]["metadata"]["uid"], created["metadata"]["uid"]);
        assert_eq!(event["Object"]["cluster_id"], cluster_id(&stack).await?);
        assert_eq!(recorded.0, "meshery.meshsync.core");
        assert_eq!(without_variable_values(event), without_variable_values(serde_json::from_str(recorded.1)?));
    }
    Ok(())
}

#[tokio::test]
async fn object_fields_have_their_own_formats() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, mut events) = publishing_stack(&bed, &Faults::default()).await?;
    let metadata = |name: &str| json!({"name": name, "namespace": stack.namespace});
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata("shaped"),
        "type": "example.com/kind", "immutable": true, "data": {"z": "eg==", "a": "YQ=="},
    });
    secret["metadata"]["annotations"] = json!({"text": "a \"b\" <c> & \\ é\n", "empty": ""});
    secret["metadata"]["finalizers"] = json!(["example.com/held"]);
    secret["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "b"}]);
    rest::write(&stack.client, rest::BED, &secret).await?;
    let event = next_of(&mut events, "shaped").await?;
    let seen = &event["Object"];
    assert_eq!(seen["type"], "example.com/kind");
    assert_eq!(seen["immutable"], "true");
    assert_eq!(seen["data"], r#"{"a":"YQ==","z":"eg=="}"#);
    assert_eq!(seen.get("spec"), None);
    assert_eq!(seen["metadata"]["finalizers"], r#"["example.com/held"]"#);
    assert_eq!(seen["metadata"]["ownerReferences"], r#"[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"b"}]"#);
    assert_eq!(
        seen["metadata"]["annotations"],
        json!([
            {"id": "", "unique_id": "", "kind": "annotation", "key": "empty"},
            {"id": "", "unique_id": "", "kind": "annotation", "key": "text",
                "value": "a \\\"b\\\" \\u003cc\\u003e \\u0026 \\\\ é\\n"},
        ])
    );
    let free = json!({"metadata": {"finalizers": null}});
    rest::merge(&stack.client, &rest::path_of(&secret)?, &free).await?;

    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata("shaped-too"),
        "spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 443}]},
    });
    let created = rest::write(&stack.client, rest::BED, &service).await?;
    let event = next_of(&mut events, "shaped-too").await?;
    let seen = &event["Object"];
    let address = created["spec"]["clusterIP"].as_str().unwrap_or_default();
    assert_eq!(
        seen["component_metadata"],
        json!({"capabilities": {"connection": true, "urls": [format!("https://{address}:443")]}})
    );
    for part in ["spec", "status"] {
        let text = seen[part]["attribute"].as_str().context("no text")?;
        assert_eq!(seen[part]["id"], "");
        assert_eq!(serde_json::from_str::<Value>(text)?, created[part]);
    }
    let spec = seen["spec"]["attribute"].as_str().unwrap_or_default();
    assert!(spec.starts_with(r#"{"clusterIP":"#), "{spec}");
    Ok(())
}

#[tokio::test]
async fn kind_that_cannot_be_listed_is_not_published_and_blocks_the_store() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.stock().start(&bed).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.start_publisher(0, &Faults::default()).await?;
    let mut events = Vec::new();
    let start = Instant::now();
    // With all permissions, the store would be sent after five seconds.
    while start.elapsed() < Duration::from_secs(7) {
        let messages = request_store_and_meta(&stack, &mut all).await?;
        let (more, rest): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|(subject, _)| subject == "meshery.meshsync.core");
        events.extend(more);
        let subjects: Vec<_> = rest.iter().map(|(subject, _)| subject.as_str()).collect();
        let asked = "meshery.meshsync.request";
        assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let kinds: BTreeSet<_> = events.iter().filter_map(|(_, event)| event["Object"]["kind"].as_str()).collect();
    assert!(kinds.contains("ConfigMap"), "{kinds:?}");
    assert!(!kinds.contains("Namespace"), "{kinds:?}");
    assert!(!kinds.contains("Pod"), "{kinds:?}");
    let clusters: BTreeSet<_> = events.iter().map(|(_, event)| event["Object"]["cluster_id"].to_string()).collect();
    assert_eq!(clusters, BTreeSet::from([r#""""#.to_owned()]));
    Ok(())
}

#[tokio::test]
async fn requests_are_answered_with_version_and_store() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, _) = publishing_stack(&bed, &Faults::default()).await?;
    let mut all = stack.nats(0).listen(">").await?;
    // The store is withheld for the first five seconds, the version is not.
    let mut messages = Vec::new();
    for _ in 0..100 {
        messages = request_store_and_meta(&stack, &mut all).await?;
        if messages.iter().any(|(subject, _)| subject == STORE) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (_, meta) = messages.last().context("no answer")?;
    assert!(meta["Object"].is_string(), "{meta}");
    let envelope = json!({"ObjectType": "", "EventType": "", "Request": null, "Object": meta["Object"]});
    assert_eq!(*meta, envelope);

    let batches = messages.iter().filter(|(subject, _)| subject == STORE);
    let batches: Vec<_> = batches
        .map(|(_, message)| {
            let object = message["Object"].as_array().map_or(&[][..], Vec::as_slice);
            let envelope = json!({"ObjectType": "", "EventType": "", "Request": null, "Object": object});
            assert_eq!(*message, envelope);
            object
        })
        .collect();
    let (last, others) = batches.split_last().context("no store")?;
    assert!((1..=5).contains(&last.len()), "{last:?}");
    assert!(others.iter().all(|batch| batch.len() == 5));
    let namespaces = batches.concat().iter().filter(|object| object["kind"] == "Namespace").count();
    let there = rest::list(&stack.client, "/api/v1/namespaces").await?;
    assert_eq!(namespaces, there.len());
    Ok(())
}

#[tokio::test]
async fn paused_meshsync_publishes_after_it_is_resumed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher, mut events) = publishing_stack(&bed, &Faults::default()).await?;
    publisher.pause()?;
    let object = config_map(&stack, "meanwhile");
    rest::write(&stack.client, rest::BED, &object).await?;
    let early = tokio::time::timeout(Duration::from_millis(500), next_of(&mut events, "meanwhile"));
    assert!(early.await.is_err(), "a paused MeshSync published");
    assert!(stack.nats(0).has_client("meshsync").await?);
    publisher.resume()?;
    next_of(&mut events, "meanwhile").await.map(drop)
}

#[tokio::test]
async fn watch_list_is_read_only_at_the_start() -> Result<()> {
    // The real MeshSync reads only this namespace.
    let bed = bed::private().await?;
    bed.create_namespace("meshery").await?;
    let list = json!([
        {"Resource": "configmaps.v1.", "Events": ["MODIFIED"]},
        {"resource": "secrets.v1.", "events": ["ADDED", "added"]},
        {"Resource": "services.v1.", "Events": ["modified"]},
        {"Resource": "jobs.v1.batch", "Events": ["ADDED"]},
    ]);
    let setup = Stack::of(Line::Current).whitelist(&list.to_string());
    let stack = setup.start(&bed).await?;
    let mut events = stack.nats(0).listen("meshery.meshsync.core").await?;
    let faults = Faults { follow_crds: true, ..Faults::default() };
    let publisher = stack.start_publisher(0, &faults).await?;
    let object = config_map(&stack, "listed");
    rest::write(&stack.client, rest::BED, &object).await?;
    let change = json!({"data": {"a": "c"}});
    rest::merge(&stack.client, &rest::path_of(&object)?, &change).await?;
    // Kinds of CRDs follow some seconds later, whatever the watch-list contains, and everything is published again.
    let mut seen = BTreeSet::new();
    while !(seen.contains("ADDED Broker") && seen.contains("MODIFIED ConfigMap")) {
        let (_, event) = next(&mut events).await?;
        let kind = event["Object"]["kind"].as_str().unwrap_or_default();
        let event = event["EventType"].as_str().unwrap_or_default();
        seen.insert(format!("{event} {kind}"));
    }
    assert!(seen.contains("ADDED Secret"), "{seen:?}");
    for kind in ["ADDED ConfigMap", "ADDED Service", "MODIFIED Service", "ADDED Job"] {
        assert!(!seen.contains(kind), "{seen:?}");
    }
    publisher.kill();

    // With a watch-list that is not JSON, nothing is published at all.
    let change = json!({"spec": {"watch-list": {"data": {"whitelist": "[{"}}}});
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &change).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.start_publisher(0, &faults).await?;
    let messages = request_store_and_meta(&stack, &mut all).await?;
    let subjects: Vec<_> = messages.iter().map(|(subject, _)| subject.as_str()).collect();
    let asked = "meshery.meshsync.request";
    assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
    Ok(())
}

#[tokio::test]
async fn requested_faults_take_effect() -> Result<()> {
    let bed = bed::lease().await?;
    let faults = Faults {
        delay: Duration::from_millis(700),
        cluster_id: Some("another".to_owned()),
        subject: Some("elsewhere".to_owned()),
        drop: vec!["MODIFIED".to_owned()],
        ..Faults::default()
    };
    let (stack, publisher, _) = publishing_stack(&bed, &faults).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let object = config_map(&stack, "faulty");
    let start = Instant::now();
    rest::write(&stack.client, rest::BED, &object).await?;
    let path = rest::path_of(&object)?;
    rest::merge(&stack.client, &path, &json!({"data": {"a": "c"}})).await?;
    rest::delete(&stack.client, &path).await?;
    for expected in ["ADDED", "DELETED"] {
        let event = next_of(&mut all, "faulty").await?;
        assert_eq!(event["EventType"], expected);
        assert_eq!(event["Object"]["cluster_id"], "another");
        assert!(start.elapsed() >= faults.delay, "{:?}", start.elapsed());
    }
    let (subject, _) = {
        rest::write(&stack.client, rest::BED, &object).await?;
        next(&mut all).await?
    };
    assert_eq!(subject, "elsewhere");
    publisher.kill();

    let mute = Faults { mute: true, ..Faults::default() };
    let _publisher = stack.start_publisher(0, &mute).await?;
    let mut all = stack.nats(0).listen(">").await?;
    assert!(stack.nats(0).has_client("meshsync").await?);
    let asked = request_store_and_meta(&stack, &mut all);
    let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
    assert!(answer.is_err(), "a mute MeshSync answered");
    Ok(())
}

/// The flat manifests' CRD drops the watch-list, and the default kinds of Meshplay's MeshSync have no event types.
#[tokio::test]
async fn meshplay_of_the_flat_manifests_publishes_nothing() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Meshplay).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.start_publisher(0, &Faults::default()).await?;
    let asked = "meshplay.meshsync.request";
    let messages = request_store_and_meta(&stack, &mut all).await?;
    let subjects: Vec<_> = messages.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
    Ok(())
}

#[tokio::test]
async fn old_line_without_watch_list_publishes_nothing() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Old).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.start_publisher(0, &Faults::default()).await?;
    let messages = request_store_and_meta(&stack, &mut all).await?;
    let subjects: Vec<_> = messages.iter().map(|(subject, _)| subject.as_str()).collect();
    let asked = "meshery.meshsync.request";
    assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
    Ok(())
}

/// A ConfigMap that MeshSync publishes.
fn config_map(stack: &Stack, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
        "metadata": {"name": name, "namespace": stack.namespace},
    })
}

async fn cluster_id(stack: &Stack) -> Result<Value> {
    let namespace = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
    Ok(namespace["metadata"]["uid"].clone())
}

/// The next event of an object.
async fn next_of(events: &mut Subscriber, name: &str) -> Result<Value> {
    loop {
        let (_, event) = next(events).await.with_context(|| name.to_owned())?;
        if event["Object"]["metadata"]["name"] == name {
            return Ok(event);
        }
    }
}

async fn next(subscriber: &mut Subscriber) -> Result<(String, Value)> {
    let message = tokio::time::timeout(LIMIT, subscriber.next()).await;
    let message = message.context("no message")?.context("disconnected")?;
    Ok((message.subject.to_string(), serde_json::from_slice(&message.payload)?))
}

/// Requests the store, then the version, and returns all messages up to the version. Requests are answered one after
/// the other.
async fn request_store_and_meta(stack: &Stack, all: &mut Subscriber) -> Result<Vec<(String, Value)>> {
    let client = stack.nats(0).client().await?;
    let store = json!({"Entity": "informer-store", "Payload": {"Reply": STORE}});
    for request in [store, json!({"Entity": "meshsync-meta", "Payload": null})] {
        let message = json!({"ObjectType": "request-payload", "EventType": "", "Request": request, "Object": null});
        let payload = message.to_string().into();
        client.publish(format!("{}.meshsync.request", stack.line.names().prefix), payload).await?;
    }
    client.flush().await?;
    let mut messages = Vec::new();
    loop {
        messages.push(next(all).await?);
        if messages.last().is_some_and(|(subject, _)| subject == "meshsync-meta") {
            return Ok(messages);
        }
    }
}

/// A message without the values that differ between runs.
fn without_variable_values(mut message: Value) -> Value {
    let object = &mut message["Object"];
    object["cluster_id"] = "…".into();
    for field in ["namespace", "uid", "resourceVersion", "creationTimestamp"] {
        object["metadata"][field] = "…".into();
    }
    message
}
