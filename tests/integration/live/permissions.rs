//! What a user without permissions sees, and that the printed roles are sufficient and contain nothing more.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, codes};
use crate::{
    bed::{self, Cluster, FakeClient, Lease, Line, Stack},
    tool::{Ran, states},
};

/// A stack, and a user without permissions.
struct Scene {
    bed: Lease,
    user: String,
    kubeconfig: PathBuf,
    _stack: Stack,
    _meshsync: FakeClient,
}

impl Scene {
    async fn start() -> Result<Self> {
        let bed = bed::lease().await?;
        let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
        let meshsync = stack.meshsync(0).await?;
        let user = bed.user()?;
        let kubeconfig = bed.kubeconfig_for(&user)?;
        Ok(Self { bed, user, kubeconfig, _stack: stack, _meshsync: meshsync })
    }

    /// Runs the program as the user.
    async fn as_user(&self, arguments: &str) -> Ran {
        at(&self.bed, self.bed.namespace(), arguments).kubeconfig(&self.kubeconfig).run_beside().await
    }

    /// The objects that `rbac` prints for the user.
    async fn roles_for(&self, command: &str, arguments: &str) -> Ran {
        let roles = format!("rbac {command} --to-user {} {arguments}", self.user);
        at(&self.bed, self.bed.namespace(), &roles).run_beside().await.exits(0)
    }
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
    let scene = Scene::start().await?;
    let bed = &scene.bed;
    allow_pods(bed, bed.namespace(), &scene.user).await?;

    let ran = scene.as_user("system check -o json").await.exits(3);
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
    let roles = scene.as_user("rbac check").await.exits(0);
    assert!(roles.stdout.contains(&format!("name: {}", scene.user)), "{}", roles.stdout);
    bed.apply_yaml(&roles.stdout).await?;
    let ran = scene.as_user("system check -o json").await.exits(0);
    let report = ran.json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    let unknown: Vec<&Value> =
        report["checks"].as_array().expect("checks").iter().filter(|check| check["status"] == "unknown").collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    Ok(())
}

#[tokio::test]
async fn status_roles_are_sufficient_for_status() -> Result<()> {
    let scene = Scene::start().await?;
    let bed = &scene.bed;
    let roles = scene.roles_for("status", "").await;
    bed.apply_yaml(&roles.stdout).await?;
    let report = scene.as_user("system status -o json").await.exits(0).json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    assert_eq!(report["permissions"]["missing"], json!([]));
    Ok(())
}

#[tokio::test]
async fn port_forward_needs_create_as_well_as_get() -> Result<()> {
    let scene = Scene::start().await?;
    let bed = &scene.bed;
    let roles = scene.roles_for("status", "-o json").await;
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
    let report = scene.as_user("system check -o json").await.exits(3).json();
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
