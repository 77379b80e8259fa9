//! What reset reads before it plans: everything, without needing permissions for kinds that are not served.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{assert_ended, document, reset, reset_tool};
use crate::{
    bed::{self, Line, Stack, rest},
    live::at,
};

/// A minimal CRD for a kind of cert-manager.
fn cert_manager_crd(kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.cert-manager.io") },
        "spec": {
            "group": "cert-manager.io", "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    })
}

#[tokio::test]
async fn permission_for_a_kind_is_needed_only_if_the_kind_is_served() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let stack = Stack::of(Line::Current).namespace(namespace).start(&bed).await?;
    let user = bed.user()?;
    let printed =
        at(&bed, namespace, "rbac reset -o json").arg("--to-user").arg(&user).run_beside().await.exits(0).json();
    for mut object in printed["items"].as_array().expect("items").clone() {
        if let Some(rules) = object.get_mut("rules").and_then(Value::as_array_mut) {
            rules.retain(|rule| rule["apiGroups"] != json!(["cert-manager.io"]));
        }
        bed.apply_yaml(&object.to_string()).await?;
    }
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let tool = || reset_tool(&bed, namespace, "stack --dry-run").kubeconfig(&kubeconfig);
    assert_ended(&document(&tool().run_beside().await), 0, "dry-run");

    for (kind, plural) in [("Certificate", "certificates"), ("Issuer", "issuers")] {
        let crd = cert_manager_crd(kind, plural);
        bed.delete_on_return(rest::path_of(&crd)?);
        rest::write(&stack.client, rest::BED, &crd).await?;
    }
    bed::until("the kinds to be served", Duration::from_secs(20), || async {
        let served = rest::get(&stack.client, "/apis/cert-manager.io/v1").await;
        let names = served.unwrap_or_default()["resources"].to_string();
        Ok((names.contains("certificates") && names.contains("issuers")).then_some(()))
    })
    .await?;
    let outcome = document(&tool().run_beside().await);
    assert_ended(&outcome, 4, "refused");
    let reason = outcome.1["reason"].to_string();
    for plural in ["certificates", "issuers"] {
        assert!(reason.contains(&format!("{plural}.cert-manager.io")), "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn custom_resources_on_several_pages_are_all_read() -> Result<()> {
    const COUNT: usize = 503;
    let bed = bed::lease().await?;
    let client = bed.client().await?;
    bed.ensure_crds(&client, Line::Current).await?;
    let brokers: Vec<Value> = (0..COUNT)
        .map(|number| {
            json!({
                "apiVersion": "meshery.io/v1alpha2", "kind": "Broker",
                "metadata": { "name": format!("broker-{number}"), "namespace": bed.namespace() },
                "spec": { "size": 1 },
            })
        })
        .collect();
    for some in brokers.chunks(16) {
        rest::write_all(&client, rest::BED, some).await?;
    }
    let outcome = reset(&bed, bed.namespace(), "broker --dry-run").await;
    assert_ended(&outcome, 0, "dry-run");
    let steps = outcome.1["steps"].as_array().expect("steps");
    let planned = steps.iter().filter(|step| step["objectKind"] == "Broker" && step["action"] == "delete");
    assert_eq!(planned.count(), COUNT);
    Ok(())
}

#[tokio::test]
async fn printed_permissions_cover_a_meshsync_with_any_name() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let stack = Stack::of(Line::Current).namespace(namespace).start(&bed).await?;
    let other = json!({
        "apiVersion": "meshery.io/v1alpha2", "kind": "MeshSync",
        "metadata": { "name": "other", "namespace": namespace },
        "spec": { "size": 1 },
    });
    let made = rest::write(&stack.client, rest::BED, &other).await?;
    let labels = json!({ "app": "meshery", "component": "other" });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "other", "namespace": namespace, "labels": labels,
            "ownerReferences": [{
                "apiVersion": "meshery.io/v1alpha2", "kind": "MeshSync", "name": "other",
                "uid": made["metadata"]["uid"],
            }],
        },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "meshsync", "image": "meshery/meshsync:v1" }] },
            },
        },
    });
    rest::write(&stack.client, rest::BED, &deployment).await?;
    let user = bed.user()?;
    let printed = at(&bed, namespace, &format!("rbac reset --to-user {user}")).run_beside().await.exits(0);
    bed.apply_yaml(&printed.stdout).await?;
    let tool = reset_tool(&bed, namespace, "meshsync --dry-run").kubeconfig(&bed.kubeconfig_for(&user)?);
    let outcome = document(&tool.run_beside().await);
    assert_ended(&outcome, 0, "dry-run");
    let goes = |step: &Value| {
        let named = step["objectKind"] == "Deployment" && step["name"] == "other";
        named && step["action"] == "delete"
    };
    let steps = outcome.1["steps"].as_array().expect("steps");
    assert!(steps.iter().any(goes), "{steps:#?}");
    Ok(())
}
