//! The publishing MeshSync's own tests. Where `MESHSYNC_BIN` is set, the real one has to pass those without faults.

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

/// How long something that surely comes may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Where the store is asked for.
const STORE: &str = "store-asked-for";

/// A stack of the current line with a MeshSync that publishes as it should, and what it publishes from then on.
async fn publishing(bed: &bed::Lease, faults: &Faults) -> Result<(Stack, Publisher, Subscriber)> {
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(bed).await?;
    let publisher = stack.publishing(0, faults).await?;
    let events = stack.nats(0).listen("meshery.meshsync.core").await?;
    Ok((stack, publisher, events))
}

#[tokio::test]
async fn it_is_healthy_and_connected_until_it_is_killed() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher, _) = publishing(&bed, &Faults::default()).await?;
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

    assert!(stack.nats(0).lists("meshsync").await?);
    publisher.kill();
    assert!(publisher.health("/healthz").await.is_err());
    bed::until("the broker to notice", LIMIT, || async { Ok((!stack.nats(0).lists("meshsync").await?).then_some(())) })
        .await
}

#[tokio::test]
async fn what_happens_arrives_in_the_shape_that_was_recorded() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, mut events) = publishing(&bed, &Faults::default()).await?;
    let object = config_map(&stack, "recorded-probe");
    let made = rest::write(&stack.client, rest::BED, &object).await?;
    let path = rest::path_of(&object)?;
    let change = json!({"metadata": {"labels": {"x": "y"}}});
    rest::merge(&stack.client, &path, &change).await?;
    rest::delete(&stack.client, &path).await?;

    let recorded = include_str!("meshsync/recorded.txt").lines();
    for recorded in recorded.map(|line| line.split_once("  ").unwrap_or_default()) {
        let event = next_of(&mut events, "recorded-probe").await?;
        assert_eq!(event["Object"]["metadata"]["uid"], made["metadata"]["uid"]);
        assert_eq!(event["Object"]["cluster_id"], cluster_id(&stack).await?);
        assert_eq!(recorded.0, "meshery.meshsync.core");
        assert_eq!(timeless(event), timeless(serde_json::from_str(recorded.1)?));
    }
    Ok(())
}

#[tokio::test]
async fn each_field_of_an_object_has_its_own_shape() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, mut events) = publishing(&bed, &Faults::default()).await?;
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
    let made = rest::write(&stack.client, rest::BED, &service).await?;
    let event = next_of(&mut events, "shaped-too").await?;
    let seen = &event["Object"];
    let address = made["spec"]["clusterIP"].as_str().unwrap_or_default();
    assert_eq!(
        seen["component_metadata"],
        json!({"capabilities": {"connection": true, "urls": [format!("https://{address}:443")]}})
    );
    for part in ["spec", "status"] {
        let text = seen[part]["attribute"].as_str().context("no text")?;
        assert_eq!(seen[part]["id"], "");
        assert_eq!(serde_json::from_str::<Value>(text)?, made[part]);
    }
    let spec = seen["spec"]["attribute"].as_str().unwrap_or_default();
    assert!(spec.starts_with(r#"{"clusterIP":"#), "{spec}");
    Ok(())
}

#[tokio::test]
async fn what_it_may_not_list_is_not_published_and_has_the_store_withheld() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.stock().start(&bed).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.publishing(0, &Faults::default()).await?;
    let mut events = Vec::new();
    let start = Instant::now();
    // With every right the store would be there after five seconds.
    while start.elapsed() < Duration::from_secs(7) {
        let heard = ask_store_and_meta(&stack, &mut all).await?;
        let (more, rest): (Vec<_>, Vec<_>) =
            heard.into_iter().partition(|(subject, _)| subject == "meshery.meshsync.core");
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
async fn it_answers_with_its_version_and_its_store() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher, _) = publishing(&bed, &Faults::default()).await?;
    let mut all = stack.nats(0).listen(">").await?;
    // The store is kept back for the first five seconds, and the version is not.
    let mut heard = Vec::new();
    for _ in 0..100 {
        heard = ask_store_and_meta(&stack, &mut all).await?;
        if heard.iter().any(|(subject, _)| subject == STORE) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (_, meta) = heard.last().context("no answer")?;
    assert!(meta["Object"].is_string(), "{meta}");
    let envelope = json!({"ObjectType": "", "EventType": "", "Request": null, "Object": meta["Object"]});
    assert_eq!(*meta, envelope);

    let batches = heard.iter().filter(|(subject, _)| subject == STORE);
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
async fn a_frozen_one_publishes_when_it_is_let_go_on() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher, mut events) = publishing(&bed, &Faults::default()).await?;
    publisher.pause()?;
    let object = config_map(&stack, "meanwhile");
    rest::write(&stack.client, rest::BED, &object).await?;
    let early = tokio::time::timeout(Duration::from_millis(500), next_of(&mut events, "meanwhile"));
    assert!(early.await.is_err(), "a frozen MeshSync published");
    assert!(stack.nats(0).lists("meshsync").await?);
    publisher.resume()?;
    next_of(&mut events, "meanwhile").await.map(drop)
}

#[tokio::test]
async fn the_watch_list_counts_as_it_was_at_the_start() -> Result<()> {
    // The real one looks in no other namespace.
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
    let publisher = stack.publishing(0, &faults).await?;
    let object = config_map(&stack, "listed");
    rest::write(&stack.client, rest::BED, &object).await?;
    let change = json!({"data": {"a": "c"}});
    rest::merge(&stack.client, &rest::path_of(&object)?, &change).await?;
    // Kinds of CRDs come some seconds later, whatever the list says, and everything else comes again with them.
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

    // What is not JSON has nothing published at all.
    let change = json!({"spec": {"watch-list": {"data": {"whitelist": "[{"}}}});
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &change).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.publishing(0, &faults).await?;
    let heard = ask_store_and_meta(&stack, &mut all).await?;
    let subjects: Vec<_> = heard.iter().map(|(subject, _)| subject.as_str()).collect();
    let asked = "meshery.meshsync.request";
    assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
    Ok(())
}

#[tokio::test]
async fn faults_are_as_they_are_asked_for() -> Result<()> {
    let bed = bed::lease().await?;
    let faults = Faults {
        delay: Duration::from_millis(700),
        cluster_id: Some("another".to_owned()),
        subject: Some("elsewhere".to_owned()),
        drop: vec!["MODIFIED".to_owned()],
        ..Faults::default()
    };
    let (stack, publisher, _) = publishing(&bed, &faults).await?;
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
    let _publisher = stack.publishing(0, &mute).await?;
    let mut all = stack.nats(0).listen(">").await?;
    assert!(stack.nats(0).lists("meshsync").await?);
    let asked = ask_store_and_meta(&stack, &mut all);
    let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
    assert!(answer.is_err(), "a mute MeshSync answered");
    Ok(())
}

#[tokio::test]
async fn meshplays_publishes_under_its_own_subject() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Meshplay).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let _publisher = stack.publishing(0, &Faults::default()).await?;
    let mut events = stack.nats(0).listen("meshplay.meshsync.core").await?;
    let object = config_map(&stack, "elsewhere");
    rest::write(&stack.client, rest::BED, &object).await?;
    let event = next_of(&mut events, "elsewhere").await?;
    assert_eq!(event["EventType"], "ADDED");
    Ok(())
}

#[tokio::test]
async fn the_old_lines_finds_no_watch_list_and_is_silent() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Old).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let mut all = stack.nats(0).listen(">").await?;
    let _publisher = stack.publishing(0, &Faults::default()).await?;
    let heard = ask_store_and_meta(&stack, &mut all).await?;
    let subjects: Vec<_> = heard.iter().map(|(subject, _)| subject.as_str()).collect();
    let asked = "meshery.meshsync.request";
    assert_eq!(subjects, [asked, asked, "meshsync-meta"]);
    Ok(())
}

/// An object to publish.
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

async fn next(messages: &mut Subscriber) -> Result<(String, Value)> {
    let message = tokio::time::timeout(LIMIT, messages.next()).await;
    let message = message.context("nothing came")?.context("disconnected")?;
    Ok((message.subject.to_string(), serde_json::from_slice(&message.payload)?))
}

/// Asks for the store, then for the version, and returns all that was said until that was answered: requests are
/// answered one after the other.
async fn ask_store_and_meta(stack: &Stack, all: &mut Subscriber) -> Result<Vec<(String, Value)>> {
    let client = stack.nats(0).client().await?;
    let store = json!({"Entity": "informer-store", "Payload": {"Reply": STORE}});
    for request in [store, json!({"Entity": "meshsync-meta", "Payload": null})] {
        let message = json!({"ObjectType": "request-payload", "EventType": "", "Request": request, "Object": null});
        let payload = message.to_string().into();
        client.publish("meshery.meshsync.request", payload).await?;
    }
    client.flush().await?;
    let mut heard = Vec::new();
    loop {
        heard.push(next(all).await?);
        if heard.last().is_some_and(|(subject, _)| subject == "meshsync-meta") {
            return Ok(heard);
        }
    }
}

/// A message without what differs from run to run.
fn timeless(mut message: Value) -> Value {
    let object = &mut message["Object"];
    object["cluster_id"] = "…".into();
    for field in ["namespace", "uid", "resourceVersion", "creationTimestamp"] {
        object["metadata"][field] = "…".into();
    }
    message
}
