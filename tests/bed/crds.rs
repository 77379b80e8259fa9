//! The stack's CRDs. A cluster has those of one operator line at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use kube::Client;
use serde_json::{Value, json};

use super::line::Line;
use super::rest::{self, BED};
use super::wait;

/// What is known about a cluster's CRDs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crds {
    /// There are none.
    #[default]
    Absent,
    /// Those of an operator line, unchanged.
    Of(Line),
    /// A test changed them.
    Changed,
}

const GROUPS: [&str; 2] = ["meshery.io", "meshplay.khulnasoft.com"];

/// The URL path of a CRD, such as `brokers` of `meshery.io`.
pub fn path(plural: &str, group: &str) -> String {
    rest::path("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", &format!("{plural}.{group}"))
}

/// Waits until custom resources of this kind are stored in this version. The discovery document shows it: the API
/// server updates it together with its handler.
pub async fn until_stored_as(client: &Client, group: &str, kind: &str, version: &str) -> Result<()> {
    let kind_in_version = format!("{group}/{version}/{kind}");
    let hash = ring::digest::digest(&ring::digest::SHA256, kind_in_version.as_bytes());
    let hash = ByteString(hash.as_ref()[..8].to_vec());
    let hash = serde_json::to_value(hash)?;
    let path = format!("/apis/{group}/{version}");
    wait::until("the storage version to change", Duration::from_secs(15), || async {
        let served = rest::get(client, &path).await?;
        let resources = served["resources"].as_array().into_iter().flatten();
        let mut stored = resources.filter(|resource| resource["kind"] == kind);
        Ok(stored.any(|resource| resource["storageVersionHash"] == hash).then_some(()))
    })
    .await
}

/// Applies the CRDs of an operator line and waits until they are served.
pub async fn install(client: &Client, line: Line) -> Result<()> {
    rest::write_all(client, BED, &line.crds()?).await?;
    until_served(client, line).await
}

/// Waits until the CRDs of an operator line are served and their objects can be created without delay.
pub async fn until_served(client: &Client, line: Line) -> Result<()> {
    let names = line.names();
    wait::until("the CRDs to be served", Duration::from_secs(15), || async {
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
    backdate(client, &["brokers", "meshsyncs"].map(|plural| path(plural, names.group))).await
}

/// Backdates the conditions of CRDs. For two seconds after a CRD is established, the API server delays each creation of
/// its objects by two seconds, for the benefit of other API servers; here there are none.
pub async fn backdate(client: &Client, paths: &[String]) -> Result<()> {
    for path in paths {
        let crd = rest::get(client, path).await?;
        let mut conditions = crd["status"]["conditions"].clone();
        for condition in conditions.as_array_mut().into_iter().flatten() {
            condition["lastTransitionTime"] = "2020-01-01T00:00:00Z".into();
        }
        rest::merge(client, &format!("{path}/status"), &json!({"status": {"conditions": conditions}})).await?;
    }
    Ok(())
}

/// Deletes all CRDs with their objects, and waits until they are gone.
pub async fn remove(client: &Client) -> Result<()> {
    for group in GROUPS {
        for plural in ["brokers", "meshsyncs"] {
            // With an unreachable conversion webhook, the objects cannot be read, and so cannot be deleted.
            let patch = json!({"spec": {"conversion": {"strategy": "None", "webhook": null}}});
            match rest::merge(client, &path(plural, group), &patch).await {
                Err(error) if rest::is(&error, 404) => continue,
                result => result?,
            };
            remove_custom_resources(client, plural, group).await?;
            rest::delete(client, &path(plural, group)).await?;
        }
    }
    wait::until("the CRDs to be deleted", Duration::from_secs(15), || async {
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

/// Deletes all custom resources and removes their finalizers, so that they do not block the deletion of a test's
/// namespace.
pub async fn remove_all_custom_resources(client: &Client) -> Result<()> {
    for group in GROUPS {
        for plural in ["brokers", "meshsyncs"] {
            remove_custom_resources(client, plural, group).await?;
        }
    }
    Ok(())
}

async fn remove_custom_resources(client: &Client, plural: &str, group: &str) -> Result<()> {
    // Both operator lines serve this version, and after a change of the conversion it is the first to work again.
    let collection = format!("/apis/{group}/v1alpha1/{plural}");
    wait::until("the custom resources to be readable", Duration::from_secs(10), || async {
        let Ok(objects) = rest::list(client, &collection).await else {
            return Ok(None);
        };
        match remove_objects(client, plural, group, objects).await {
            // The list may use the new conversion while the next request still uses the old one.
            Err(error) if format!("{error:#}").contains("conversion webhook") => Ok(None),
            result => result.map(Some),
        }
    })
    .await
}

async fn remove_objects(client: &Client, plural: &str, group: &str, objects: Vec<Value>) -> Result<()> {
    for object in objects {
        let namespace = object["metadata"]["namespace"].as_str().context("the object has no namespace")?;
        let name = object["metadata"]["name"].as_str().context("the object has no name")?;
        let path = format!("/apis/{group}/v1alpha1/namespaces/{namespace}/{plural}/{name}");
        rest::delete(client, &path).await?;
        match rest::merge(client, &path, &json!({"metadata": {"finalizers": null}})).await {
            Err(error) if !rest::is(&error, 404) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
