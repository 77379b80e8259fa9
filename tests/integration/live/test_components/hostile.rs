//! Hostile text in everything that a test reads: no output moves the cursor, and every document stays valid.

use anyhow::Result;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{assert_valid, hop, with_publisher};
use crate::{
    bed::{self, FakeClient, Faults, Line, Stack, rest},
    live::at,
};

/// Clears the screen, sets the window title, and reverses the text direction.
const EVIL: &str = "evil\u{1b}[2J\u{1b}]0;mine\u{7}\u{202e}\r";

/// Runs a test in every format. Returns the JSON document.
async fn in_every_format(bed: &bed::Lease, test: &str, shown: bool) -> Result<Value> {
    let run = |format: &str| {
        let arguments = format!("{test} -o {format}");
        at(bed, bed.namespace(), &arguments).run_beside()
    };
    // At the same time, because some tests mainly wait.
    let (table, wide, yaml, json) = tokio::join!(run("table"), run("wide"), run("yaml"), run("json"));
    for ran in [table, wide] {
        for text in [&ran.stdout, &ran.stderr] {
            let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!text.contains(bad), "{text:?}");
        }
        // Otherwise nothing would be tested.
        assert_eq!(ran.stdout.contains("evil"), shown, "{}", ran.stdout);
    }
    assert_valid(&serde_yaml::from_str(&yaml.stdout)?);
    let report = json.json();
    assert_valid(&report);
    Ok(report)
}

#[tokio::test]
async fn hostile_client_names_are_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let broker = stack.nats(0);
    let token = broker.token.as_deref();
    let _evil = FakeClient::connect(EVIL, &broker.endpoint(), token, &["some".to_owned()])?;
    in_every_format(&bed, "test broker", true).await.map(drop)
}

#[tokio::test]
async fn hostile_answer_of_a_fake_meshsync_is_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let broker = stack.nats(0);
    let _meshsync = FakeClient::connect("meshsync", &broker.endpoint(), broker.token.as_deref(), &[])?;
    let client = broker.client().await?;
    let mut requests = broker.listen("meshery.meshsync.request").await?;
    tokio::spawn(async move {
        while requests.next().await.is_some() {
            let answer = json!({ "ObjectType": "", "EventType": "", "Request": null, "Object": EVIL });
            let _ = client.publish("meshsync-meta", answer.to_string().into()).await;
        }
    });
    let report = in_every_format(&bed, "test meshsync", true).await?;
    assert_eq!(hop(&report, "meta")["status"], "pass", "{report:#}");
    Ok(())
}

#[tokio::test]
async fn hostile_lease_holder_is_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "meshery-operator-leader.meshery.io", "namespace": bed.namespace() },
        "spec": { "holderIdentity": EVIL, "leaseDurationSeconds": 1, "renewTime": "2020-01-01T00:00:00.000000Z" },
    });
    rest::write(&stack.client, rest::BED, &lease).await?;
    in_every_format(&bed, "test operator", true).await.map(drop)
}

#[tokio::test]
async fn hostile_cluster_id_in_messages_is_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let stack = setup.start(&bed).await?;
    let faults = Faults { cluster_id: Some(EVIL.to_owned()), ..Faults::default() };
    let _publisher = stack.start_publisher(0, &faults).await?;
    in_every_format(&bed, "test dataflow", true).await.map(drop)
}

#[tokio::test]
async fn hostile_annotation_of_a_leftover_is_escaped() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "meshdoctor-probe-x-1", "namespace": bed.namespace(),
            "labels": {
                "app.kubernetes.io/managed-by": "meshdoctor",
                "app.kubernetes.io/component": "dataflow-probe",
                "meshdoctor/run": "a.b",
            },
            "annotations": { "meshdoctor/expires-at": EVIL },
            "finalizers": ["example.com/held"],
        },
    });
    rest::write(&stack.client, rest::BED, &object).await?;
    in_every_format(&bed, "test dataflow", false).await?;
    let free = json!({ "metadata": { "finalizers": null } });
    rest::merge(&stack.client, &rest::path_of(&object)?, &free).await?;
    Ok(())
}
