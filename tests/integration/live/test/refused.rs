//! Users who cannot create the probe object, and clusters that reject it.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::{LIMIT, Scene, assert_evidence, assert_root, at, events, finding, hop, reported};
use crate::bed::{self, rest};

impl Scene {
    async fn dataflow_of(&self, kubeconfig: &Path, arguments: &str) -> Value {
        let arguments = format!("test dataflow -o json {arguments}");
        let tool = at(&self.bed, &self.stack.namespace, &arguments).kubeconfig(kubeconfig);
        reported(&tool.run_beside().await)
    }

    /// The objects that `rbac test` prints for a user.
    async fn printed(&self, user: &str, arguments: &str) -> Vec<Value> {
        let ran = self.run(&format!("rbac test --to-user {user} -o json {arguments}")).await.exits(0);
        let mut list = ran.json();
        std::mem::take(list["items"].as_array_mut().expect("objects"))
    }

    async fn apply(&self, objects: &[Value]) -> Result<()> {
        self.bed.apply(rest::BED, objects).await.map(drop)
    }
}

#[tokio::test]
async fn missing_create_permission_is_reported_with_the_rbac_command() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let user = scene.bed.user()?;
    let mut roles = scene.printed(&user, "").await;
    for role in &mut roles {
        let rules = role.get_mut("rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let resources = rule["resources"].as_array().cloned().unwrap_or_default();
            if resources.contains(&json!("configmaps")) {
                let verbs = rule["verbs"].as_array_mut().expect("verbs");
                verbs.retain(|verb| verb != "create");
            }
        }
    }
    scene.apply(&roles).await?;
    let kubeconfig = scene.bed.kubeconfig_for(&user)?;
    let report = scene.dataflow_of(&kubeconfig, "").await;
    assert_eq!(report["exitCode"], 3);
    assert_root(&report, "flow-write-refused");
    let refused = finding(&report, "flow-write-refused");
    assert_evidence(refused, "cannot create resource");
    let command = refused["remedy"]["commands"][0]["run"].as_str();
    assert!(command.is_some_and(|run| run.contains("rbac test")), "{refused:#}");
    assert_eq!(hop(&report, "tried")["status"], "unknown");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn printed_permissions_are_sufficient_and_minimal_for_a_test() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let other = format!("{}-other", scene.stack.namespace);
    scene.bed.create_namespace(&other).await?;
    let user = scene.bed.user()?;
    let arguments = format!("--kind service --probe-namespace {other} --store");
    let roles = scene.printed(&user, &arguments).await;
    scene.apply(&roles).await?;
    let kubeconfig = scene.bed.kubeconfig_for(&user)?;
    let report = bed::until("MeshSync's store", LIMIT, || async {
        let report = scene.dataflow_of(&kubeconfig, &arguments).await;
        let given = report["test"]["resources"][0]["stored"].is_u64();
        Ok(given.then_some(report))
    })
    .await?;
    assert_eq!(report["exitCode"], 0);
    assert_eq!(events(&report), ["pass"; 3]);
    assert_eq!(hop(&report, "watched")["timing"]["count"], 3);
    assert_eq!(report["permissions"]["missing"], json!([]));
    let unknown: Vec<&Value> =
        report["checks"].as_array().expect("checks").iter().filter(|check| check["status"] == "unknown").collect();
    assert!(unknown.is_empty(), "{unknown:#?}");

    // Nothing else can be written, there or elsewhere.
    for (verb, resource) in
        [("create", "configmaps"), ("delete", "secrets"), ("update", "services"), ("create", "pods")]
    {
        let permission = format!("{verb} {resource}");
        scene.bed.until_allowed(&user, &permission, false).await?;
    }
    let report = scene.dataflow_of(&kubeconfig, "--kind service").await;
    assert_eq!(report["exitCode"], 3);
    assert_root(&report, "flow-write-refused");
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn quota_refusal_is_quoted() -> Result<()> {
    let scene = Scene::of(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "no-more", "namespace": scene.stack.namespace },
        "spec": { "hard": { "count/configmaps": "0" } },
    });
    scene.apply(std::slice::from_ref(&quota)).await?;
    let path = scene.stack.path("v1", "ResourceQuota", "no-more");
    bed::until("the quota to be counted", LIMIT, || async {
        let quota = rest::get(&scene.stack.client, &path).await?;
        Ok(quota["status"]["used"]["count/configmaps"].is_string().then_some(()))
    })
    .await?;
    let report = scene.dataflow(3, "").await;
    assert_root(&report, "flow-write-refused");
    let refused = finding(&report, "flow-write-refused");
    assert_evidence(refused, "exceeded quota: no-more");
    // No role would help.
    assert!(!refused["remedy"].to_string().contains("rbac test"), "{refused:#}");
    scene.dataflow(0, "--kind service").await;
    scene.assert_nothing_is_left().await
}

#[tokio::test]
async fn admission_policy_refusal_is_quoted() -> Result<()> {
    // An admission policy applies to the whole cluster.
    let scene = Scene::private(|setup| setup).await?;
    let _meshsync = scene.meshsync().await?;
    let constraints = json!({ "resourceRules": [
        { "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] },
    ] });
    let validation = json!({
        "expression": "!object.metadata.name.startsWith('meshdoctor')", "message": "this name is not allowed",
        "reason": "Forbidden",
    });
    let admission = "/apis/admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": "no-doctors" },
        "spec": { "matchConstraints": constraints, "validations": [validation] },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": "no-doctors" },
        "spec": { "policyName": "no-doctors", "validationActions": ["Deny"] },
    });
    let client = &scene.stack.client;
    let policies = format!("{admission}/validatingadmissionpolicies");
    rest::post(client, &policies, &policy).await?;
    let bindings = format!("{admission}/validatingadmissionpolicybindings");
    rest::post(client, &bindings, &binding).await?;
    let tried = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "meshdoctor-tried", "namespace": scene.stack.namespace },
    });
    let dry = format!("{}?dryRun=All", rest::collection("v1", "ConfigMap", Some(&scene.stack.namespace)));
    bed::until("the policy to take effect", LIMIT, || async {
        Ok(rest::post(client, &dry, &tried).await.is_err().then_some(()))
    })
    .await?;
    let report = scene.dataflow(3, "").await;
    assert_root(&report, "flow-write-refused");
    let refused = finding(&report, "flow-write-refused");
    assert_evidence(refused, "this name is not allowed");
    assert!(!refused["remedy"].to_string().contains("rbac test"), "{refused:#}");
    scene.assert_nothing_is_left().await
}
