//! The removal of a Meshplay stack, whose operator leaves Leases with random names.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{assert_ended, document, reset, reset_tool};
use crate::{
    bed::{self, Line, Stack, rest},
    live::{assert_well_meshplay, at, check},
};

#[tokio::test]
async fn meshplay_of_the_flat_manifests_is_removed_with_the_leases_of_its_operator() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    let stack = Stack::of(Line::Meshplay).namespace(namespace).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, namespace).await;
    assert_well_meshplay(&report, &["crd-outdated", "over-privileged"]);

    let collection = rest::collection("coordination.k8s.io/v1", "Lease", Some(namespace));
    let lease = |id: &str| format!("operator-{id}.meshplay.khulnasoft.com");
    let (first, second) =
        (lease("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"), lease("1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1"));
    for name in [&first, &second, &lease("of-another-team")] {
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name }, "spec": {},
        });
        rest::post(&client, &collection, &body).await?;
    }
    // Without the operator, the Leases stay.
    let broker = reset(&bed, namespace, "broker --profile meshplay --yes --no-backup").await;
    assert_ended(&broker, 0, "done");
    let all = rest::list(&client, &collection).await?;
    assert_eq!(all.len(), 3, "{all:#?}");
    // Leases that cannot be listed could be left behind, so nothing is removed.
    let user = bed.user()?;
    let arguments = format!("rbac reset --profile meshplay -o json --to-user {user}");
    let printed = at(&bed, namespace, &arguments).run_beside().await;
    for mut object in printed.exits(0).json()["items"].as_array().context("items")?.clone() {
        if let Some(rules) = object.get_mut("rules").and_then(Value::as_array_mut) {
            rules.retain(|rule| rule["apiGroups"] != json!(["coordination.k8s.io"]));
        }
        bed.apply_yaml(&object.to_string()).await?;
    }
    let tool = reset_tool(&bed, namespace, "stack --profile meshplay --yes --no-backup");
    let refused = document(&tool.kubeconfig(&bed.kubeconfig_for(&user)?).run_beside().await);
    assert_ended(&refused, 4, "refused");
    assert!(refused.1["reason"].to_string().contains("list leases.coordination.k8s.io"), "{:#}", refused.1);
    assert_eq!(rest::list(&client, &collection).await?.len(), 3);
    let removed = reset(&bed, namespace, "stack --profile meshplay --yes --no-backup").await;
    assert_ended(&removed, 0, "done");
    for name in [&first, &second] {
        assert!(removed.1["steps"].to_string().contains(name.as_str()), "{:#}", removed.1);
    }
    let left = rest::list(&client, &collection).await?;
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["metadata"]["name"], lease("of-another-team"));
    Ok(())
}
