//! Lists and watches one kind until the process ends.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use http::Request;
use kube::core::WatchEvent;
use serde_json::Value;

use super::sync::Sync;
use super::watch_list::{self, Kind};

/// The pause before a retry.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows a kind. If it cannot be listed, nothing is published for it.
pub(crate) async fn follow(kind: Kind, sync: Sync) {
    let mut first = true;
    loop {
        let listed = list(&kind, &sync).await;
        if first {
            sync.listed_or_failed();
            first = false;
        }
        let ended = match listed {
            Ok(version) => watch(&kind, version, &sync).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            eprintln!("meshsync: {}: {error:#}", kind.name);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Publishes the changes since the last list, and returns the resource version of the list.
async fn list(kind: &Kind, sync: &Sync) -> Result<String> {
    let mut list = watch_list::fetch(sync.client(), &kind.path()).await?;
    // Only the list states the kind of its items.
    let list_kind = list["kind"].as_str().unwrap_or_default();
    let item_kind = Value::from(list_kind.strip_suffix("List").unwrap_or(list_kind));
    let api_version = list["apiVersion"].clone();
    let version = list["metadata"]["resourceVersion"].as_str().context("the list has no resource version")?.to_owned();
    let mut items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    for item in &mut items {
        item["kind"] = item_kind.clone();
        item["apiVersion"] = api_version.clone();
    }
    for (event, object) in sync.store().list(&kind.name, items) {
        sync.publish(kind, event, &object);
    }
    Ok(version)
}

/// Publishes each change until the API server ends the watch or the resource version is too old.
async fn watch(kind: &Kind, mut version: String, sync: &Sync) -> Result<()> {
    loop {
        let path =
            format!("{}?watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion={version}", kind.path());
        let request = Request::get(path).body(Vec::new())?;
        let events = sync.client().request_events::<Value>(request).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = version_of(&object)?;
                    if let Some(event) = sync.store().put(&kind.name, &object) {
                        sync.publish(kind, event, &object);
                    }
                }
                WatchEvent::Deleted(object) => {
                    version = version_of(&object)?;
                    sync.store().remove(&kind.name, &object);
                    sync.publish(kind, "DELETED", &object);
                }
                WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => bail!("{}", status.message),
            }
        }
    }
}

fn version_of(object: &Value) -> Result<String> {
    let version = object["metadata"]["resourceVersion"].as_str();
    Ok(version.context("the object has no resource version")?.to_owned())
}
