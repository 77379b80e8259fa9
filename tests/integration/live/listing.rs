//! Lists every object of a cluster, of every served kind.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;

use crate::bed::{self, rest};

/// Kinds whose objects come and go on their own.
const TRANSIENT: [&str; 4] = ["Event", "Lease", "EndpointSlice", "Endpoints"];

/// The pause between two listings, each of which takes about a hundred requests.
const PAUSE: Duration = Duration::from_millis(300);

/// Kind, namespace, name and UID of each object.
pub(super) type Listing = BTreeSet<String>;

/// Lists all objects now.
pub(super) async fn listing(client: &Client) -> Result<Listing> {
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = rest::get(client, "/apis").await?;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let version = group["preferredVersion"]["groupVersion"].as_str();
        versions.push(format!("/apis/{}", version.context("a group without version")?));
    }
    let mut all = Listing::new();
    for version in versions {
        // A version that was removed in between has nothing to list.
        let resources = rest::get(client, &version).await.unwrap_or_default();
        for resource in resources["resources"].as_array().into_iter().flatten() {
            let lists = resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&"list".into()));
            let (Some(kind), Some(plural)) = (resource["kind"].as_str(), resource["name"].as_str()) else {
                continue;
            };
            if !lists || TRANSIENT.contains(&kind) {
                continue;
            }
            let objects = match rest::list_metadata(client, &format!("{version}/{plural}")).await {
                // The kind was removed in between.
                Err(error) if rest::is(&error, 404) => Vec::new(),
                objects => objects?,
            };
            for object in objects {
                let metadata = &object["metadata"];
                let word = |key: &str| metadata[key].as_str().unwrap_or("-").to_owned();
                all.insert(format!("{kind} {}/{} {}", word("namespace"), word("name"), word("uid")));
            }
        }
    }
    Ok(all)
}

/// A listing that no longer changes: controllers have created their objects for new namespaces.
pub(super) async fn settled(client: &Client) -> Result<Listing> {
    bed::until_stable("the cluster to settle", Duration::from_millis(700), Duration::from_secs(60), || listing(client))
        .await
}

/// Waits until everything is as before. Pods and their dependents take a moment to go.
pub(super) async fn until_as_before(client: &Client, before: &Listing) -> Result<()> {
    let difference = async || -> Result<(Vec<String>, Vec<String>)> {
        let now = listing(client).await?;
        Ok((now.difference(before).cloned().collect(), before.difference(&now).cloned().collect()))
    };
    let waited = bed::until_every(PAUSE, "everything to be as before", Duration::from_secs(60), || async {
        let (more, less) = difference().await?;
        Ok((more.is_empty() && less.is_empty()).then_some(()))
    })
    .await;
    if waited.is_err() {
        let (more, less) = difference().await?;
        waited.with_context(|| format!("left: {more:#?}\ngone: {less:#?}"))?;
    }
    Ok(())
}

/// The object at a path, if it exists.
pub(super) async fn get_if_exists(client: &Client, path: &str) -> Option<Value> {
    rest::get(client, path).await.ok()
}
