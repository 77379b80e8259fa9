//! Deleting a CRD deletes its custom resources. They are reported first.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_ended, document, reset_tool};
use crate::{
    bed::{self, Line, rest},
    live::at,
};

const OLD_GROUP: &str = "meshery.layer5.io";

/// The Broker CRD in the old API group.
fn old_crd() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("brokers.{OLD_GROUP}") },
        "spec": {
            "group": OLD_GROUP, "scope": "Namespaced",
            "names": { "kind": "Broker", "plural": "brokers" },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    })
}

fn broker(api_version: &str, namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": api_version, "kind": "Broker",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "size": 1 },
    })
}

#[tokio::test]
async fn custom_resources_deleted_with_a_crd_are_reported_and_backed_up() -> Result<()> {
    let bed = bed::private().await?;
    let client = bed.client().await?;
    let namespace = bed.namespace();
    bed.ensure_crds(&client, Line::Current).await?;
    bed.create_namespace("away").await?;
    rest::write(&client, rest::BED, &old_crd()).await?;
    let served = rest::collection(&format!("{OLD_GROUP}/v1alpha1"), "Broker", None);
    bed::until("the old kind to be served", Duration::from_secs(20), || async {
        Ok(rest::get(&client, &served).await.ok().map(drop))
    })
    .await?;
    let objects = [
        broker("meshery.io/v1alpha2", namespace, "ours"),
        broker("meshery.io/v1alpha2", "away", "theirs"),
        broker(&format!("{OLD_GROUP}/v1alpha1"), namespace, "former"),
        broker(&format!("{OLD_GROUP}/v1alpha1"), "away", "forgotten"),
    ];
    rest::write_all(&client, rest::BED, &objects).await?;

    let user = bed.user()?;
    let printed = at(&bed, namespace, "rbac reset --crds").arg("--to-user").arg(&user).run_beside().await.exits(0);
    bed.apply_yaml(&printed.stdout).await?;
    let copy = bed.file("definitions-copy.json");
    let tool = reset_tool(&bed, namespace, "stack --crds --yes")
        .arg("--backup")
        .arg(&copy)
        .kubeconfig(&bed.kubeconfig_for(&user)?);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 0, "done");
    assert_eq!(
        outcome.1["warnings"],
        json!([
            "deleting CustomResourceDefinition brokers.meshery.io also deletes Broker theirs in namespace away",
            format!(
                "deleting CustomResourceDefinition brokers.{OLD_GROUP} also deletes Broker forgotten in namespace away, \
                 Broker former in namespace {namespace}"
            ),
        ])
    );
    let copy: Value = serde_json::from_str(&std::fs::read_to_string(copy)?)?;
    let mut kept: Vec<&str> = copy["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|item| item["kind"] == "Broker")
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, ["forgotten", "former", "ours", "theirs"]);
    assert!(rest::get(&client, &served).await.is_err());
    Ok(())
}
