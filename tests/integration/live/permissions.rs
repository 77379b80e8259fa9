//! What a user without permissions sees, and that the printed roles are sufficient and contain nothing more.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, codes};
use crate::{
    bed::{self, Cluster, Line, Stack},
    tool::{Ran, states},
};

async fn as_user(cluster: &Cluster, namespace: &str, kubeconfig: &Path, arguments: &str) -> Ran {
    at(cluster, namespace, arguments).kubeconfig(kubeconfig).run_beside().await
}

/// Allows a user to list pods in the namespace, and nothing else.
async fn allow_pods(cluster: &Cluster, namespace: &str, user: &str) -> Result<()> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": { "name": "pods-only", "namespace": namespace },
        "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"] }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "pods-only", "namespace": namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods-only" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    });
    cluster.apply_yaml(&format!("{role}\n---\n{binding}")).await?;
    Ok(())
}

#[tokio::test]
async fn pods_only_user_sees_missing_permissions() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace().to_owned();
    let stack = Stack::of(Line::Current).namespace(&namespace).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    allow_pods(&bed, &namespace, &user).await?;

    let ran = as_user(&bed, &namespace, &kubeconfig, "system check -o json").await.exits(3);
    let report = ran.json();
    assert_eq!(states(&report), "UNKNOWN/RUNNING+/UNKNOWN", "{report:#}");
    assert_eq!(report["verdict"], "unknown");
    assert!(codes(&report).iter().all(|code| *code == "permission-missing"), "{report:#}");
    let missing: Vec<String> = report["permissions"]["missing"]
        .as_array()
        .expect("permissions")
        .iter()
        .map(|permission| {
            format!("{} {}", permission["verb"].as_str().unwrap_or("?"), permission["resource"].as_str().unwrap_or("?"))
        })
        .collect();
    for permission in ["list deployments", "list brokers", "list meshsyncs", "get pods", "get secrets"] {
        assert!(missing.iter().any(|m| m == permission), "{permission} is not among {missing:?}");
    }

    // The user prints the roles, and an administrator applies them.
    let roles = as_user(&bed, &namespace, &kubeconfig, "rbac check").await.exits(0);
    assert!(roles.stdout.contains(&format!("name: {user}")), "{}", roles.stdout);
    bed.apply_yaml(&roles.stdout).await?;
    let ran = as_user(&bed, &namespace, &kubeconfig, "system check -o json").await.exits(0);
    let report = ran.json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    let unknown: Vec<&Value> =
        report["checks"].as_array().expect("checks").iter().filter(|check| check["status"] == "unknown").collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterroles/meshdoctor-check".into());
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/meshdoctor-check".into());
    Ok(())
}

#[tokio::test]
async fn status_roles_are_sufficient_for_status() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace().to_owned();
    let stack = Stack::of(Line::Current).namespace(&namespace).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let roles = at(&bed, &namespace, &format!("rbac status --to-user {user}")).run_beside().await.exits(0);
    bed.apply_yaml(&roles.stdout).await?;
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterroles/meshdoctor-status".into());
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/meshdoctor-status".into());
    let report = as_user(&bed, &namespace, &kubeconfig, "system status -o json").await.exits(0).json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    Ok(())
}

#[tokio::test]
async fn port_forward_needs_create_as_well_as_get() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace().to_owned();
    let stack = Stack::of(Line::Current).namespace(&namespace).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let user = bed.user()?;
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let roles = at(&bed, &namespace, &format!("rbac status --to-user {user} -o json")).run_beside().await.exits(0);
    let mut list = roles.json();
    for item in list["items"].as_array_mut().expect("objects") {
        let rules = item.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            if rule["resources"] == json!(["pods/portforward"]) {
                rule["verbs"] = json!(["get"]);
            }
        }
        bed.apply_yaml(&item.to_string()).await?;
    }
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterroles/meshdoctor-status".into());
    bed.delete_on_return("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/meshdoctor-status".into());
    let report = as_user(&bed, &namespace, &kubeconfig, "system check -o json").await.exits(3).json();
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/DEPLOYED+");
    let forward = report["permissions"]["missing"]
        .as_array()
        .expect("permissions")
        .iter()
        .find(|permission| permission["subresource"] == "portforward")
        .expect("the permission to create a port-forward");
    assert_eq!(forward["verb"], "create");
    Ok(())
}
