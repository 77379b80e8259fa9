//! `system redeploy`: from every starting point to a healthy stack by one run, on a real API server.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes};
use crate::{
    bed::{self, Cluster, rest, states},
    tool::{Ran, roots},
};

const OPERATOR: &str = "meshery-operator";
/// The definitions that the bed installs are managed by the bed, of which nobody knows.
const FORCE: &str = "--force-conflicts";

/// `system redeploy --yes` with these arguments.
async fn redeploy(cluster: &Cluster, namespace: &str, arguments: &str) -> Ran {
    // What is outside the namespace goes when the cluster is handed on.
    for path in [
        "clusterroles/meshery-operator-role",
        "clusterroles/meshery-meshsync-reader",
        "clusterrolebindings/meshery-operator-rolebinding",
        "clusterrolebindings/meshery-meshsync-reader",
    ] {
        cluster.delete_on_return(format!("/apis/rbac.authorization.k8s.io/v1/{path}"));
    }
    at(
        cluster,
        namespace,
        &format!("system redeploy --yes --wait 60s -o json {arguments}"),
    )
    .run_beside()
    .await
}

/// Fails unless the stack is well; what is mere information is none of it.
async fn assert_well(cluster: &Cluster, namespace: &str) -> Result<()> {
    let mut last = Value::Null;
    let well = bed::until("a healthy verdict", Duration::from_secs(20), || async {
        let report = check(cluster, namespace).await;
        // Pods of the bed all have one address: the client of a former pod looks like one of the present pod's.
        let wrong = roots(&report)
            .iter()
            .any(|code| code != "data-gap-since-reconnect");
        Ok((report["exitCode"] == 0 && !wrong).then_some(()))
    })
    .await;
    if well.is_err() {
        last = check(cluster, namespace).await;
    }
    assert!(well.is_ok(), "{:?}: {:#}", roots(&last), last["findings"]);
    Ok(())
}

/// The resource versions of what redeploy may write.
async fn versions(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, Value>> {
    let client = cluster.client().await?;
    let mut versions = BTreeMap::new();
    for (api_version, kind, scope) in [
        ("v1", "ServiceAccount", Some(namespace)),
        ("rbac.authorization.k8s.io/v1", "Role", Some(namespace)),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            Some(namespace),
        ),
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
            versions.insert(
                format!("{kind} {}", metadata["name"]),
                // The status may go on changing.
                json!([
                    metadata["uid"],
                    metadata["generation"],
                    metadata["managedFields"].as_array().map(|all| {
                        all.iter()
                            .filter(|entry| entry["subresource"].is_null())
                            .count()
                    })
                ]),
            );
        }
    }
    Ok(versions)
}

#[tokio::test]
async fn onto_an_empty_cluster_and_again() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let _attendant = bed.attend(namespace)?;
    let before = versions(&bed, namespace).await?;
    let dry = at(&bed, namespace, "system redeploy --dry-run -o json")
        .run_beside()
        .await
        .exits(0);
    assert_eq!(dry.json()["outcome"], "dry-run");
    assert_eq!(versions(&bed, namespace).await?, before);
    let done = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(done.json()["outcome"], "done", "{}", done.stdout);
    bed.crds_will_change().await;
    assert_well(&bed, namespace).await?;
    // What kubectl makes of the same manifests.
    let manifests = at(&bed, namespace, "manifests").run_beside().await.exits(0);
    let file = bed.file(&format!("manifests-{namespace}.yaml"));
    std::fs::write(&file, &manifests.stdout)?;
    let said = bed.kubectl(&[
        "apply",
        "--server-side",
        "--field-manager=meshdoctor",
        "--dry-run=server",
        "-f",
        &file.to_string_lossy(),
    ])?;
    assert_eq!(said.lines().count(), 13, "{said}");
    bed.kubectl(&["apply", "--dry-run=server", "-f", &file.to_string_lossy()])?;
    // Once more: nothing is written.
    let before = versions(&bed, namespace).await?;
    let again = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(again.json()["outcome"], "unchanged", "{}", again.stdout);
    assert_eq!(versions(&bed, namespace).await?, before);
    Ok(())
}

#[tokio::test]
async fn an_operator_that_is_missing_adopts_what_it_finds() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("orphaned-no-operator", &bed, namespace)
        .await?
        .expect("a stack");
    let _attendant = stack.attended()?;
    let uid =
        rest::get(&stack.client, &stack.custom_path("MeshSync")).await?["metadata"]["uid"].clone();
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_well(&bed, namespace).await?;
    let now = rest::get(&stack.client, &stack.custom_path("MeshSync")).await?;
    assert_eq!(now["metadata"]["uid"], uid);
    Ok(())
}

#[tokio::test]
async fn an_operator_with_a_wrong_image_is_put_right() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace)
        .await?
        .expect("a stack");
    let _attendant = stack.attended()?;
    bed.kubectl(&[
        "-n",
        namespace,
        "set",
        "image",
        "deployment/meshery-operator",
        "manager=meshery/meshery-operator:0.0.0",
    ])?;
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_well(&bed, namespace).await?;
    let operator = stack.path("apps/v1", "Deployment", OPERATOR);
    let operator = rest::get(&stack.client, &operator).await?;
    assert_eq!(
        operator["spec"]["template"]["spec"]["containers"][0]["image"],
        "meshery/meshery-operator:1.0.5"
    );
    Ok(())
}

#[tokio::test]
async fn a_blind_meshsync_gets_its_role_and_no_restart() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace)
        .await?
        .expect("a stack");
    let _attendant = stack.attended()?;
    let pods = stack.pods("meshsync").await?;
    let done = redeploy(&bed, namespace, "meshsync --force-conflicts")
        .await
        .exits(0);
    let report = done.json();
    let kinds: Vec<&str> = report["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|step| step["action"] != "wait")
        .filter_map(|step| step["objectKind"].as_str())
        .collect();
    assert!(
        kinds.ends_with(&["ClusterRole", "ClusterRoleBinding"]),
        "{report:#}"
    );
    bed::until(
        "the authorizer to hear of it",
        Duration::from_secs(10),
        || async {
            let report = check(&bed, namespace).await;
            Ok((!codes(&report).contains(&"meshsync-cannot-list")).then_some(()))
        },
    )
    .await?;
    assert_eq!(stack.pods("meshsync").await?, pods);
    Ok(())
}

#[tokio::test]
async fn the_old_line_becomes_the_current_one() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("old-line-connected", &bed, namespace)
        .await?
        .expect("a stack");
    bed.crds_will_change().await;
    let _attendant = stack.attended()?;
    let done = redeploy(&bed, namespace, "--force-conflicts --overwrite-crs")
        .await
        .exits(0);
    assert!(
        done.stdout.contains("readers outside must follow"),
        "{}",
        done.stdout
    );
    for (api_version, kind, name) in [
        ("apps/v1", "StatefulSet", "meshery-broker"),
        ("v1", "Service", "meshery-broker"),
        ("v1", "ConfigMap", "meshery-nats-accounts"),
    ] {
        let path = stack.path(api_version, kind, name);
        bed::until("the old line to go", Duration::from_secs(10), || async {
            Ok(rest::get(&stack.client, &path).await.is_err().then_some(()))
        })
        .await?;
    }
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn what_helm_owns_is_refused_and_then_taken_over() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace)
        .await?
        .expect("a stack");
    let _attendant = stack.attended()?;
    let marks = json!({ "metadata": {
        "labels": { "app.kubernetes.io/managed-by": "Helm" },
        "annotations": { "meta.helm.sh/release-name": "mesh", "meta.helm.sh/release-namespace": namespace },
    }});
    let operator = stack.path("apps/v1", "Deployment", OPERATOR);
    for path in [
        operator.as_str(),
        &stack.custom_path("Broker"),
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/meshery-operator-role",
    ] {
        rest::merge(&stack.client, path, &marks).await?;
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": "sh.helm.release.v1.mesh.v1", "namespace": namespace,
            "labels": { "owner": "helm", "name": "mesh", "version": "1", "status": "deployed" },
        },
        "data": { "release": "" },
    });
    bed.apply_yaml(&secret.to_string()).await?;
    let before = versions(&bed, namespace).await?;
    let refused = redeploy(&bed, namespace, "").await.exits(4);
    assert!(
        refused.stdout.contains("helm upgrade"),
        "{}",
        refused.stdout
    );
    assert!(refused.stdout.contains("--take-over"), "{}", refused.stdout);
    assert_eq!(versions(&bed, namespace).await?, before);
    redeploy(&bed, namespace, "--take-over --force-conflicts")
        .await
        .exits(0);
    let secret = stack.path("v1", "Secret", "sh.helm.release.v1.mesh.v1");
    assert!(rest::get(&stack.client, &secret).await.is_err());
    assert_well(&bed, namespace).await?;
    let again = redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_eq!(again.json()["outcome"], "unchanged", "{}", again.stdout);
    Ok(())
}
