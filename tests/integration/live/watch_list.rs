//! Watch-lists, compared with what a real API server serves and stores.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{at, check, codes};
use crate::bed::{self, Line, Stack, rest};

const ALL: &str = r#""Events":["ADDED","MODIFIED","DELETED"]"#;

fn list(resources: &[&str]) -> String {
    let entries: Vec<String> = resources.iter().map(|name| format!(r#"{{"Resource":"{name}",{ALL}}}"#)).collect();
    format!("[{}]", entries.join(","))
}

#[tokio::test]
async fn entries_are_resolved_to_served_resources() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current)
        .namespace(bed.namespace())
        .whitelist(&list(&["pods.v1.", "jobs.v1.batch", "deployment.v1.apps"]))
        .start(&bed)
        .await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    let found = codes(&report);
    assert!(found.contains(&"watch-list-unknown-resource"), "{report:#}");
    assert!(found.contains(&"watch-list-entry-ignored"), "{report:#}");
    assert!(!found.contains(&"watch-list-matches-nothing"));
    assert!(report.to_string().contains("did you mean deployments.v1.apps?"));

    let ran = at(&bed, bed.namespace(), "watch-list -o json").run_beside().await.exits(1);
    let standing: Vec<String> = ran.json()["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["standing"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(standing, ["watched", "ignored", "unknown"]);
    assert_eq!(ran.json()["source"]["kind"], "live");
    Ok(())
}

#[tokio::test]
async fn every_stock_entry_is_served() -> Result<()> {
    let bed = bed::lease().await?;
    let _stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let ran = at(&bed, bed.namespace(), "watch-list -o json").run_beside().await.exits(0);
    let report = ran.json();
    assert!(report["unresolved"].is_null(), "{report:#}");
    assert_eq!(report["effective"].as_array().map(Vec::len), Some(21));
    assert_eq!(codes(&report), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn watch_list_edited_after_the_start_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let code = "watch-list-edited-since-start";
    assert!(!codes(&check(&bed, bed.namespace()).await).contains(&code));
    // Clocks may differ by some seconds, so an edit right after the start proves nothing.
    stack.until_running_for("meshsync", Duration::from_secs(6)).await?;
    let path = stack.custom_path("MeshSync");
    rest::merge(&stack.client, &path, &json!({ "spec": { "size": 1, "version": "1.0.3" } })).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(!codes(&report).contains(&code), "another field: {report:#}");
    let data = json!({ "whitelist": list(&["pods.v1.", "services.v1."]) });
    rest::merge(&stack.client, &path, &json!({ "spec": { "watch-list": { "data": data } } })).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(codes(&report).contains(&code), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn unused_config_map_is_reported() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: meshery-meshsync-config, namespace: {}}}\ndata: {{blacklist: '[]'}}\n",
        bed.namespace()
    );
    bed.apply_yaml(&map).await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(codes(&report).contains(&"watch-list-configmap-ignored"), "{report:#}");
    Ok(())
}
