//! Every object of a cluster, of every kind that is served.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;

use crate::bed::{self, rest};

/// What comes and goes by itself.
const FLEETING: [&str; 4] = ["Event", "Lease", "EndpointSlice", "Endpoints"];

/// Kind, namespace, name and UID of each.
pub(super) type Listing = BTreeSet<String>;

/// Lists all of them now.
pub(super) async fn listing(client: &Client) -> Result<Listing> {
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = rest::get(client, "/apis").await?;
    for group in groups["groups"].as_array().into_iter().flatten() {
        let version = group["preferredVersion"]["groupVersion"].as_str();
        versions.push(format!("/apis/{}", version.context("a group without version")?));
    }
    let mut all = Listing::new();
    for version in versions {
        // One that went in between has nothing to show.
        let resources = rest::get(client, &version).await.unwrap_or_default();
        for resource in resources["resources"].as_array().into_iter().flatten() {
            let lists = resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&"list".into()));
            let (Some(kind), Some(plural)) = (resource["kind"].as_str(), resource["name"].as_str()) else {
                continue;
            };
            if !lists || FLEETING.contains(&kind) {
                continue;
            }
            for object in rest::list(client, &format!("{version}/{plural}")).await? {
                let metadata = &object["metadata"];
                let word = |key: &str| metadata[key].as_str().unwrap_or("-").to_owned();
                all.insert(format!("{kind} {}/{} {}", word("namespace"), word("name"), word("uid")));
            }
        }
    }
    Ok(all)
}

/// A listing that has come to rest: controllers have made what they make of new namespaces.
pub(super) async fn settled(client: &Client) -> Result<Listing> {
    bed::until_still("the cluster to stand still", Duration::from_millis(700), Duration::from_secs(60), || {
        listing(client)
    })
    .await
}

/// Waits until everything is as it was: pods and what belongs to them take a moment to go.
pub(super) async fn until_as_before(client: &Client, before: &Listing) -> Result<()> {
    let difference = async || -> Result<(Vec<String>, Vec<String>)> {
        let now = listing(client).await?;
        Ok((now.difference(before).cloned().collect(), before.difference(&now).cloned().collect()))
    };
    let waited = bed::until("everything to be as before", Duration::from_secs(60), || async {
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

/// The value at a path, when there is one.
pub(super) async fn there(client: &Client, path: &str) -> Option<Value> {
    rest::get(client, path).await.ok()
}
