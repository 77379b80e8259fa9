//! `system redeploy` on a real API server: one run leads from every starting point to a healthy stack.

mod backups;
mod components;
mod escalation;
mod half_installed;
mod interruption;
mod meshplay;
mod midway;
mod options;
mod output;
mod owners;
mod prompts;
mod starting_points;

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, until_checked};
use crate::{
    bed::{self, Cluster, FakeController, rest, states},
    schema,
    tool::{Ran, roots},
};

const OPERATOR: &str = "meshery-operator";
/// The CRDs of the bed have a field manager that meshdoctor does not know.
const FORCE: &str = "--force-conflicts";

/// `system redeploy --yes` with these arguments.
async fn redeploy(cluster: &Cluster, namespace: &str, arguments: &str) -> Ran {
    cluster.crds_will_change().await;
    let wait = if arguments.contains("--wait") { "" } else { "--wait 60s" };
    let ran = at(cluster, namespace, &format!("system redeploy --yes -o json {wait} {arguments}")).run_beside().await;
    if ran.code != 2 {
        schema::assert_fits(schema::change_validator(), &ran.json(), "a change");
    }
    ran
}

/// Fails unless the stack is healthy. Findings of severity `info` do not count.
async fn assert_healthy(cluster: &Cluster, namespace: &str) -> Result<()> {
    let mut last = Value::Null;
    let well = until_checked("a healthy verdict", Duration::from_secs(20), || async {
        let report = check(cluster, namespace).await;
        Ok((report["exitCode"] == 0 && roots(&report).is_empty()).then_some(()))
    })
    .await;
    if well.is_err() {
        last = check(cluster, namespace).await;
    }
    assert!(well.is_ok(), "{:?}: {:#}", roots(&last), last["findings"]);
    Ok(())
}

/// An empty namespace in which a fake controller does the operator's work once the stack is deployed.
async fn empty_with_controller(bed: &bed::Lease, namespace: &str) -> Result<FakeController> {
    states::apply("nothing-installed", bed, namespace).await?;
    bed.crds_will_change().await;
    bed.start_controller(namespace)
}

/// Versions of the objects that redeploy may write. They change with every write.
async fn versions(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, Value>> {
    let client = cluster.client().await?;
    let mut versions = BTreeMap::new();
    for (api_version, kind, scope) in [
        ("v1", "ServiceAccount", Some(namespace)),
        ("rbac.authorization.k8s.io/v1", "Role", Some(namespace)),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", Some(namespace)),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", None),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", None),
        ("apps/v1", "Deployment", Some(namespace)),
        ("apps/v1", "StatefulSet", Some(namespace)),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None),
        ("meshery.io/v1alpha1", "Broker", Some(namespace)),
        ("meshery.io/v1alpha1", "MeshSync", Some(namespace)),
    ] {
        for item in rest::list(&client, &rest::collection(api_version, kind, scope)).await? {
            let metadata = &item["metadata"];
            // Skip what a test gives to its own users, and what a controller creates in every namespace at its own
            // pace.
            if metadata["name"].as_str().is_some_and(|name| name.starts_with("meshdoctor-") || name == "default") {
                continue;
            }
            versions.insert(
                format!("{kind} {}", metadata["name"]),
                // The status may still change.
                json!([
                    metadata["uid"],
                    metadata["generation"],
                    metadata["managedFields"]
                        .as_array()
                        .map(|all| { all.iter().filter(|entry| entry["subresource"].is_null()).count() })
                ]),
            );
        }
    }
    Ok(versions)
}
