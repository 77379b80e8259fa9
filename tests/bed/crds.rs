//! The stack's resource definitions, of which a cluster holds one line's at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use kube::Client;
use serde_json::{Value, json};

use super::line::Line;
use super::rest::{self, BED};
use super::wait;

/// What is known of a cluster's definitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crds {
    /// None there.
    #[default]
    Absent,
    /// A line's, as they were made.
    Of(Line),
    /// A test has changed them.
    Changed,
}

const GROUPS: [&str; 2] = ["meshery.io", "meshplay.khulnasoft.com"];

/// The path of a definition, such as `brokers` of `meshery.io`.
pub fn path(plural: &str, group: &str) -> String {
    rest::path("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", &format!("{plural}.{group}"))
}

/// Waits until custom resources of this kind are stored in this version. The API server changes its handler and its
/// discovery document on the same event.
pub async fn until_stored_as(client: &Client, group: &str, kind: &str, version: &str) -> Result<()> {
    let kind_in_version = format!("{group}/{version}/{kind}");
    let hash = ring::digest::digest(&ring::digest::SHA256, kind_in_version.as_bytes());
    let hash = ByteString(hash.as_ref()[..8].to_vec());
    let hash = serde_json::to_value(hash)?;
    let path = format!("/apis/{group}/{version}");
    wait::until("the version in which resources are stored", Duration::from_secs(15), || async {
        let served = rest::get(client, &path).await?;
        let resources = served["resources"].as_array().into_iter().flatten();
        let mut stored = resources.filter(|resource| resource["kind"] == kind);
        Ok(stored.any(|resource| resource["storageVersionHash"] == hash).then_some(()))
    })
    .await
}

/// Applies a line's definitions and waits until they are served.
pub async fn install(client: &Client, line: Line) -> Result<()> {
    rest::write_all(client, BED, &line.crds()?).await?;
    let names = line.names();
    wait::until("the definitions to be served", Duration::from_secs(15), || async {
        for version in names.versions {
            for kind in ["Broker", "MeshSync"] {
                let path = rest::collection(&format!("{}/{version}", names.group), kind, None);
                if rest::get(client, &path).await.is_err() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(()))
    })
    .await?;
    age(client, &["brokers", "meshsyncs"].map(|plural| path(plural, names.group))).await
}

/// Makes definitions look established for long. For two seconds after a definition is established the API server
/// holds back each creation of its objects for two seconds, for the sake of further API servers that there are not.
pub async fn age(client: &Client, paths: &[String]) -> Result<()> {
    for path in paths {
        let definition = rest::get(client, path).await?;
        let mut conditions = definition["status"]["conditions"].clone();
        for condition in conditions.as_array_mut().into_iter().flatten() {
            condition["lastTransitionTime"] = "2020-01-01T00:00:00Z".into();
        }
        rest::merge(client, &format!("{path}/status"), &json!({"status": {"conditions": conditions}})).await?;
    }
    Ok(())
}

/// Deletes all of them, with every object they define, and waits until they are gone.
pub async fn remove(client: &Client) -> Result<()> {
    for group in GROUPS {
        for plural in ["brokers", "meshsyncs"] {
            // A dead conversion webhook would keep the objects from being read, and so from being deleted.
            let patch = json!({"spec": {"conversion": {"strategy": "None", "webhook": null}}});
            match rest::merge(client, &path(plural, group), &patch).await {
                Err(error) if rest::is(&error, 404) => continue,
                result => result?,
            };
            release(client, plural, group).await?;
            rest::delete(client, &path(plural, group)).await?;
        }
    }
    wait::until("the definitions to go", Duration::from_secs(15), || async {
        for group in GROUPS {
            for plural in ["brokers", "meshsyncs"] {
                if rest::get(client, &path(plural, group)).await.is_ok() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(()))
    })
    .await
}

/// Takes the finalizers off every object and deletes it: what a test left must not hold its namespace.
pub async fn release_all(client: &Client) -> Result<()> {
    for group in GROUPS {
        for plural in ["brokers", "meshsyncs"] {
            release(client, plural, group).await?;
        }
    }
    Ok(())
}

async fn release(client: &Client, plural: &str, group: &str) -> Result<()> {
    // Served by both lines, and the first to answer again after a changed conversion.
    let collection = format!("/apis/{group}/v1alpha1/{plural}");
    wait::until("the objects to be readable", Duration::from_secs(10), || async {
        let Ok(objects) = rest::list(client, &collection).await else {
            return Ok(None);
        };
        match release_these(client, plural, group, objects).await {
            // A list may be answered the new way, and the next request still the old one.
            Err(error) if format!("{error:#}").contains("conversion webhook") => Ok(None),
            result => result.map(Some),
        }
    })
    .await
}

async fn release_these(client: &Client, plural: &str, group: &str, objects: Vec<Value>) -> Result<()> {
    for object in objects {
        let namespace = object["metadata"]["namespace"].as_str().context("an object without namespace")?;
        let name = object["metadata"]["name"].as_str().context("an object without name")?;
        let path = format!("/apis/{group}/v1alpha1/namespaces/{namespace}/{plural}/{name}");
        rest::delete(client, &path).await?;
        match rest::merge(client, &path, &json!({"metadata": {"finalizers": null}})).await {
            Err(error) if !rest::is(&error, 404) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
