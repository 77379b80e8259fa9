//! The starting points of a redeploy.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{FORCE, OPERATOR, assert_healthy, redeploy, versions};
use crate::{
    bed::{self, rest, states},
    live::{at, check, codes, until_checked},
    tool::meshdoctor,
};

#[tokio::test]
async fn redeploy_onto_an_empty_cluster_is_idempotent() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let _controller = bed.start_controller(namespace)?;
    let before = versions(&bed, namespace).await?;
    let dry = at(&bed, namespace, "system redeploy --dry-run -o json").run_beside().await.exits(0);
    assert_eq!(dry.json()["outcome"], "dry-run");
    assert_eq!(versions(&bed, namespace).await?, before);
    let done = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(done.json()["outcome"], "done", "{}", done.stdout);
    assert_healthy(&bed, namespace).await?;
    // kubectl accepts the same manifests.
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
    // A second run writes nothing.
    let before = versions(&bed, namespace).await?;
    let again = redeploy(&bed, namespace, "").await.exits(0);
    assert_eq!(again.json()["outcome"], "unchanged", "{}", again.stdout);
    assert_eq!(versions(&bed, namespace).await?, before);
    Ok(())
}

#[tokio::test]
async fn missing_operator_is_deployed_and_adopts_existing_resources() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("orphaned-no-operator", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let uid = rest::get(&stack.client, &stack.custom_path("MeshSync")).await?["metadata"]["uid"].clone();
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let now = rest::get(&stack.client, &stack.custom_path("MeshSync")).await?;
    assert_eq!(now["metadata"]["uid"], uid);
    Ok(())
}

#[tokio::test]
async fn wrong_operator_image_is_corrected() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    bed.kubectl(&[
        "-n",
        namespace,
        "set",
        "image",
        "deployment/meshery-operator",
        "manager=meshery/meshery-operator:0.0.0",
    ])?;
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let operator = stack.path("apps/v1", "Deployment", OPERATOR);
    let operator = rest::get(&stack.client, &operator).await?;
    assert_eq!(operator["spec"]["template"]["spec"]["containers"][0]["image"], "meshery/meshery-operator:1.0.5");
    Ok(())
}

#[tokio::test]
async fn operator_crashing_on_its_arguments_is_corrected() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let manager = json!({ "name": "manager", "command": ["/menager"], "args": ["--no-such-flag"] });
    let patch = json!({ "spec": { "template": { "spec": { "containers": [manager] } } } });
    let before = stack.pods("operator").await?;
    bed.kubectl(&["-n", namespace, "patch", "deployment", OPERATOR, "-p", &patch.to_string()])?;
    bed::until("the new pod alone", Duration::from_secs(20), || async {
        let now = stack.pods("operator").await?;
        Ok((now.len() == 1 && now != before).then_some(()))
    })
    .await?;
    // The bed's kubelet runs no program, so the test itself must report the crash loop.
    stack.set_crash_loop("operator", 7, 2).await?;
    let report = check(&bed, namespace).await;
    assert!(codes(&report).contains(&"operator-crash-loop"), "{report:#}");
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let operator = stack.path("apps/v1", "Deployment", OPERATOR);
    let operator = rest::get(&stack.client, &operator).await?;
    let manager = &operator["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(manager["command"], json!(["/manager"]));
    assert!(!manager["args"].to_string().contains("no-such-flag"));
    Ok(())
}

#[tokio::test]
async fn meshsync_without_permissions_gets_its_role_without_a_restart() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let pods = stack.pods("meshsync").await?;
    let done = redeploy(&bed, namespace, "meshsync").await.exits(0);
    let report = done.json();
    let kinds: Vec<&str> = report["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|step| step["action"] != "wait")
        .filter_map(|step| step["objectKind"].as_str())
        .collect();
    assert!(kinds == ["ClusterRole", "ClusterRoleBinding"], "{report:#}");
    until_checked("the authorizer to see the role", Duration::from_secs(10), || async {
        let report = check(&bed, namespace).await;
        Ok((!codes(&report).contains(&"meshsync-cannot-list")).then_some(()))
    })
    .await?;
    assert_eq!(stack.pods("meshsync").await?, pods);
    Ok(())
}

#[tokio::test]
async fn old_line_is_upgraded_to_the_current_line() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("old-line-connected", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let done = redeploy(&bed, namespace, "--force-conflicts --overwrite-crs").await.exits(0);
    assert!(done.stdout.contains("clients outside the cluster must be changed"), "{}", done.stdout);
    for (api_version, kind, name) in [
        ("apps/v1", "StatefulSet", "meshery-broker"),
        ("v1", "Service", "meshery-broker"),
        ("v1", "ConfigMap", "meshery-nats-accounts"),
    ] {
        let path = stack.path(api_version, kind, name);
        bed::until("the old line to be removed", Duration::from_secs(10), || async {
            Ok(rest::get(&stack.client, &path).await.is_err().then_some(()))
        })
        .await?;
    }
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn helm_owned_stack_is_refused_and_then_taken_over() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    // The chart uses another selector, and a selector cannot be changed. Neither can the role that a binding refers to.
    let labels = json!({ "app.kubernetes.io/name": OPERATOR, "app.kubernetes.io/instance": "mesh" });
    let mut operator = rest::get(&stack.client, &stack.path("apps/v1", "Deployment", OPERATOR)).await?;
    operator["metadata"] = json!({ "name": OPERATOR, "namespace": namespace });
    operator["spec"]["selector"]["matchLabels"] = labels.clone();
    operator["spec"]["template"]["metadata"] = json!({ "labels": labels });
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding",
        "metadata": { "name": "meshery-operator-rolebinding" },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "mesh-meshery-operator" },
        "subjects": [{ "kind": "ServiceAccount", "name": OPERATOR, "namespace": namespace }],
    });
    for path in [
        stack.path("apps/v1", "Deployment", OPERATOR),
        format!("/apis/{group}/v1/clusterrolebindings/meshery-operator-rolebinding"),
    ] {
        rest::delete(&stack.client, &path).await?;
        bed::until("it to be deleted", Duration::from_secs(10), || async {
            Ok(rest::get(&stack.client, &path).await.is_err().then_some(()))
        })
        .await?;
    }
    bed.kubectl_apply(&[operator, binding])?;
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
    // A preflight shows for each object what redeploy does with it.
    let report = at(&bed, namespace, "system check --preflight -o json").run_beside().await.exits(0).json();
    let to_replace: Vec<&str> = report["preflight"]["objects"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|object| object["action"] == "replace")
        .filter_map(|object| object["kind"].as_str())
        .collect();
    assert_eq!(to_replace, ["ClusterRoleBinding", "Deployment"], "{report:#}");
    assert_eq!(crate::tool::roots(&report), ["foreign-owner"]);
    let refused = redeploy(&bed, namespace, "").await.exits(4);
    assert!(refused.stdout.contains("helm upgrade"), "{}", refused.stdout);
    assert!(refused.stdout.contains("--take-over"), "{}", refused.stdout);
    assert_eq!(versions(&bed, namespace).await?, before);
    let done = redeploy(&bed, namespace, "--take-over --force-conflicts").await.exits(0).json();
    let replaced: Vec<&str> = done["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|step| step["action"] == "replace")
        .filter_map(|step| step["objectKind"].as_str())
        .collect();
    assert_eq!(replaced, ["ClusterRoleBinding", "Deployment"], "{done:#}");
    let secret = stack.path("v1", "Secret", "sh.helm.release.v1.mesh.v1");
    assert!(rest::get(&stack.client, &secret).await.is_err());
    assert_healthy(&bed, namespace).await?;
    let again = redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_eq!(again.json()["outcome"], "unchanged", "{}", again.stdout);
    Ok(())
}

#[tokio::test]
async fn dead_conversion_webhook_is_removed_first() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    // The flat manifests leave a webhook that nothing serves, and its settings in the operator.
    let template = json!({ "spec": { "template": { "spec": {
        "volumes": [{ "name": "cert", "secret": { "secretName": "webhook-server-cert", "optional": true } }],
        "containers": [{ "name": "manager", "volumeMounts": [{ "name": "cert", "mountPath": "/certs" }] }],
    } } } });
    bed.kubectl(&["-n", namespace, "patch", "deployment", OPERATOR, "-p", &template.to_string()])?;
    let conversion = json!({ "spec": { "conversion": { "strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": { "service": { "name": "meshery-webhook-service", "namespace": namespace, "path": "/convert" } },
    } } } });
    for plural in ["brokers", "meshsyncs"] {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.meshery.io");
        rest::merge(&stack.client, &path, &conversion).await?;
    }
    bed::until("the objects to be unreadable", Duration::from_secs(10), || async {
        let hidden = rest::get(&stack.client, &stack.custom_path("Broker")).await;
        Ok(hidden.is_err().then_some(()))
    })
    .await?;
    redeploy(&bed, namespace, FORCE).await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let operator = rest::get(&stack.client, &stack.path("apps/v1", "Deployment", OPERATOR)).await?;
    assert!(operator["spec"]["template"]["spec"]["volumes"].is_null());
    Ok(())
}

#[tokio::test]
async fn fields_of_another_manager_are_kept_without_force_conflicts() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("connected-but-blind-rbac", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    let before = versions(&bed, namespace).await?;
    let refused = redeploy(&bed, namespace, "").await.exits(4);
    assert!(
        refused.stdout.contains("meshdoctor-bed") && refused.stdout.contains("--force-conflicts"),
        "{}",
        refused.stdout
    );
    assert_eq!(versions(&bed, namespace).await?, before);
    let dry =
        at(&bed, namespace, "system redeploy --dry-run --force-conflicts -o json").run_beside().await.exits(0).json();
    let changed = dry["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|step| step["objectKind"] == "Deployment" && step["name"] == OPERATOR && step["action"] != "wait");
    let fields = changed.expect("the operator changes")["changes"].to_string();
    assert!(fields.contains("ENABLE_WEBHOOKS"), "{fields}");
    assert_eq!(versions(&bed, namespace).await?, before);
    Ok(())
}

#[tokio::test]
async fn custom_resource_with_another_name_is_kept_without_a_duplicate() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    redeploy(&bed, namespace, "operator").await.exits(0);
    let broker = json!({
        "apiVersion": "meshery.io/v1alpha1", "kind": "Broker",
        "metadata": { "name": "mine", "namespace": namespace }, "spec": { "size": 1 },
    });
    bed.apply_yaml(&broker.to_string()).await?;
    let report = at(&bed, namespace, "system redeploy --dry-run -o json").run_beside().await.exits(0).json();
    let steps = report["steps"].to_string();
    assert!(!steps.contains("meshery-broker"), "{steps}");
    assert!(report["unchanged"].to_string().contains("Broker mine"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn stack_in_another_namespace_keeps_its_permissions() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _stack = states::apply("healthy", &bed, namespace).await?;
    let other = format!("{namespace}-other");
    let refused = redeploy(&bed, &other, FORCE).await.exits(4);
    assert!(refused.stdout.contains(&format!("system redeploy --context bed -n {namespace}")), "{}", refused.stdout);
    Ok(())
}

#[tokio::test]
async fn missing_namespace_is_created_and_nothing_else_is_touched() -> Result<()> {
    let bed = bed::private().await?;
    let namespace = "meshery";
    let _controller = bed.start_controller(namespace)?;
    // A separate user, so that its requests can be distinguished from those of others.
    let user = bed.user()?;
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding",
        "metadata": { "name": "test-admin" },
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    });
    bed.apply_yaml(&binding.to_string()).await?;
    bed.until_allowed(&user, "create namespaces", true).await?;
    meshdoctor("system redeploy --yes --wait 60s").kubeconfig(&bed.kubeconfig_for(&user)?).run_beside().await.exits(0);
    assert_healthy(&bed, namespace).await?;
    let ours = bed.audit()?.into_iter().filter(|event| event["user"]["username"] == user.as_str());
    let mut written = 0;
    for event in ours {
        let uri = event["requestURI"].as_str().unwrap_or_default();
        if uri.contains("dryRun=All") || uri.contains("reviews") || uri.contains("portforward") {
            continue;
        }
        written += 1;
        assert!(uri.contains("meshery"), "{uri}");
        assert!(uri.contains("fieldManager=meshdoctor"), "{uri}");
    }
    assert_eq!(written, 13);
    Ok(())
}
