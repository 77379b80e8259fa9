//! Prerequisites of the stack, leftovers, and the operator's permissions, on a real API server.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes, until_checked};
use crate::{
    bed::{self, Line, Stack, rest, states},
    tool::roots,
};

/// The evidence of the report's finding with this code.
fn evidence(report: &Value, code: &str) -> String {
    let finding = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {report:#}"));
    finding["evidence"].to_string()
}

#[tokio::test]
async fn only_the_missing_operator_permission_is_named() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).stock().start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery-operator-role";
    let mut role = rest::get(&stack.client, path).await?;
    role["rules"][0]["resources"] = json!(["configmaps", "services"]);
    rest::merge(&stack.client, path, &json!({ "rules": role["rules"] })).await?;
    // The authorizer sees a changed role a moment later.
    until_checked("the permission to be gone", Duration::from_secs(10), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok(codes(&report).contains(&"operator-role-incomplete").then_some(()))
    })
    .await?;
    let report = check(&bed, bed.namespace()).await;
    let evidence = evidence(&report, "operator-role-incomplete");
    assert!(evidence.contains("cannot create, delete, get, patch, update secrets in namespace"), "{evidence}");
    assert!(!evidence.contains("services"), "{evidence}");
    Ok(())
}

#[tokio::test]
async fn failed_helm_release_is_found_by_labels_without_its_content() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let operator = stack.path("apps/v1", "Deployment", "meshery-operator");
    let marks = json!({ "metadata": {
        "labels": { "app.kubernetes.io/managed-by": "Helm" },
        "annotations": { "meta.helm.sh/release-name": "mesh", "meta.helm.sh/release-namespace": bed.namespace() },
    }});
    rest::merge(&stack.client, &operator, &marks).await?;
    let content = "c2VjcmV0".repeat(5000);
    for (revision, status) in [("9", "superseded"), ("10", "failed")] {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": {
                "name": format!("sh.helm.release.v1.mesh.v{revision}"), "namespace": bed.namespace(),
                "labels": { "owner": "helm", "name": "mesh", "version": revision, "status": status },
            },
            "data": { "release": content },
        });
        bed.apply_yaml(&secret.to_string()).await?;
    }
    let ran = at(&bed, bed.namespace(), "system check -o json -v").run_beside().await;
    let report = ran.json();
    let found = codes(&report);
    assert!(found.contains(&"foreign-owner"), "{found:?}");
    assert!(evidence(&report, "helm-release-stuck").contains("status=failed, version=10"), "{report:#}");
    let request = ran.stderr.lines().find(|line| line.contains("labelSelector=owner")).expect("the request");
    let bytes: usize =
        request.split(": ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a count");
    assert!(bytes < 5000, "{request}");
    let recording = at(&bed, bed.namespace(), "record").run_beside().await.exits(0);
    assert!(!recording.stdout.contains("c2VjcmV0"));
    let replayed = crate::tool::meshdoctor("system check -o json --from -").stdin(&recording.stdout).run().json();
    assert_eq!(codes(&replayed), codes(&report));
    Ok(())
}

#[tokio::test]
async fn leftover_roles_are_reported_with_not_installed() -> Result<()> {
    let bed = bed::lease().await?;
    states::apply("nothing-installed", &bed, bed.namespace()).await?;
    let namespace = bed.namespace();
    let group = "rbac.authorization.k8s.io";
    let role = json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRole",
        "metadata": { "name": "meshery-operator-role" }, "rules": [],
    });
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding",
        "metadata": { "name": "meshery-operator-rolebinding" },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "meshery-operator-role" },
        "subjects": [{ "kind": "ServiceAccount", "name": "meshery-operator", "namespace": namespace }],
    });
    bed.apply_yaml(&format!("{role}\n---\n{binding}")).await?;
    let report = check(&bed, namespace).await;
    assert_eq!(roots(&report), ["not-installed", "cluster-leftovers"]);
    assert_eq!(report["verdict"], "not-installed");
    Ok(())
}

#[tokio::test]
async fn stuck_namespace_names_the_remaining_finalizers() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = states::apply("stuck-terminating", &bed, bed.namespace()).await?.expect("a stack");
    let path = format!("/api/v1/namespaces/{}", bed.namespace());
    rest::delete(&stack.client, &path).await?;
    bed::until("the namespace to be stuck", Duration::from_secs(60), || async {
        let namespace = rest::get(&stack.client, &path).await?;
        let held = namespace["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "NamespaceFinalizersRemaining" && condition["status"] == "True");
        Ok(held.then_some(()))
    })
    .await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report).first().map(String::as_str), Some("namespace-terminating"));
    let evidence = evidence(&report, "namespace-terminating");
    assert!(evidence.contains("broker.meshery.io/finalizer"), "{evidence}");
    Ok(())
}

#[tokio::test]
async fn recording_keeps_only_the_watch_list_of_managed_fields() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let recording = at(&bed, bed.namespace(), "record").run_beside().await.exits(0);
    assert!(recording.stdout.contains("managedFields"));
    let names_fields = |line: &&str| line.trim_start().starts_with("f:");
    let fields: Vec<&str> = recording.stdout.lines().filter(names_fields).map(str::trim).collect();
    assert!(fields.iter().all(|field| matches!(*field, "f:spec:" | "f:watch-list: {}")), "{fields:?}");
    Ok(())
}

/// From both namespaces, the report names the other one.
#[tokio::test]
async fn operator_and_custom_resources_in_two_namespaces_are_found_from_both() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = states::apply("undeployed-crs-absent", &bed, namespace).await?;
    let other = format!("{namespace}-prod");
    bed.create_namespace(&other).await?;
    for kind in ["Broker", "MeshSync"] {
        let resource = json!({
            "apiVersion": "meshery.io/v1alpha1", "kind": kind,
            "metadata": { "name": format!("meshery-{}", kind.to_lowercase()), "namespace": other },
            "spec": { "size": 1 },
        });
        bed.apply_yaml(&resource.to_string()).await?;
    }
    let report = check(&bed, namespace).await;
    assert_eq!(roots(&report), ["stack-in-other-namespace"], "{report:#}");
    let seen = evidence(&report, "stack-in-other-namespace");
    assert!(seen.contains(&format!("MeshSync meshery-meshsync in namespace {other}")), "{seen}");
    assert!(codes(&report).contains(&"cr-missing"), "{report:#}");
    // The recording of the same cluster gives the same report.
    let file = bed.file(&format!("two-{namespace}.json"));
    at(&bed, namespace, "record").arg(&file).run_beside().await;
    let recorded = crate::tool::meshdoctor("system check -o json --from").arg(&file).run_beside().await.json();
    assert_eq!(evidence(&recorded, "stack-in-other-namespace"), seen);

    let report = check(&bed, &other).await;
    assert_eq!(roots(&report)[0], "operator-missing", "{report:#}");
    let binding = format!("names a ServiceAccount in namespace {namespace}");
    let seen = evidence(&report, "operator-missing");
    assert!(seen.contains(&binding), "{seen}");
    Ok(())
}
