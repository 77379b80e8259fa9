//! Redeploys with options: a broker at an address, a `NetworkPolicy` for the broker, MeshSync without the operator, and
//! objects that a Helm release can adopt.

use anyhow::Result;
use kube::Client;
use serde_json::json;

use super::{assert_healthy, empty_with_controller, redeploy};
use crate::{
    bed::{self, Broker, FakeController, Lease, rest, rest::BED},
    live::{at, check},
};

/// The token of the other broker. No output may contain it.
const TOKEN: &str = "theTokenOfAnotherBroker0123456789";

/// A cluster with an empty namespace, in which a fake controller does the operator's work.
async fn empty() -> Result<(Lease, Client, FakeController)> {
    let bed = bed::lease().await?;
    let client = bed.client().await?;
    let controller = empty_with_controller(&bed, bed.namespace()).await?;
    Ok((bed, client, controller))
}

/// Another broker, its address, and the options for a MeshSync that publishes to it.
async fn other_broker(bed: &Lease, token: Option<&str>) -> Result<(Broker, String, String)> {
    let address = bed.addresses().spare();
    let broker = Broker::start(bed, "edge", address, token).await?;
    let mut options = format!("--broker-url {address}");
    if let Some(token) = token {
        let file = bed.file(&format!("token-{}", bed.namespace()));
        std::fs::write(&file, format!("{token}\n"))?;
        options = format!("{options} --broker-token-file {}", file.display());
    }
    Ok((broker, address.to_string(), options))
}

#[tokio::test]
async fn broker_url_connects_meshsync_to_another_broker_without_printing_its_token() -> Result<()> {
    let (bed, client, _controller) = empty().await?;
    let namespace = bed.namespace();
    let (_broker, address, options) = other_broker(&bed, Some(TOKEN)).await?;

    let done = redeploy(&bed, namespace, &options).await.exits(0);
    assert_eq!(done.json()["verified"], "MeshSync CONNECTED", "{}", done.stdout);
    assert!(done.json()["warnings"].to_string().contains("token in plain text"), "{}", done.stdout);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains(TOKEN), "{done:?}");
    let path = rest::path("meshery.io/v1alpha1", "MeshSync", namespace, "meshery-meshsync");
    let url = rest::get(&client, &path).await?["spec"]["broker"]["custom"]["url"].take();
    assert_eq!(url, format!("nats://{TOKEN}@{address}:4222"));
    assert_healthy(&bed, namespace).await?;
    let report = check(&bed, namespace).await;
    assert_eq!(report["target"]["mode"], "custom-broker", "{report:#}");
    let again = redeploy(&bed, namespace, &options).await.exits(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_eq!(again["warnings"], json!([]), "{again:#}");

    // An existing custom resource keeps its spec unless the user asks for it.
    let version = "--meshsync-version 1.0.2";
    let kept = redeploy(&bed, namespace, &format!("{options} {version}")).await.exits(0).json();
    assert!(kept["warnings"].to_string().contains("keeps its spec"), "{kept:#}");
    let dry = format!("system redeploy --dry-run --overwrite-crs {options} {version}");
    let plan = at(&bed, namespace, &dry).run_beside().await.exits(0);
    assert!(plan.stdout.contains("spec.version"), "{}", plan.stdout);
    assert!(!plan.stdout.contains(TOKEN), "{}", plan.stdout);
    let changed = format!("system redeploy --dry-run --overwrite-crs --broker-url {address}:4223 {version}");
    let plan = at(&bed, namespace, &changed).run_beside().await.exits(0);
    assert!(plan.stdout.contains("REDACTED"), "{}", plan.stdout);
    assert!(!plan.stdout.contains(TOKEN), "{}", plan.stdout);
    Ok(())
}

#[tokio::test]
async fn network_policy_is_deployed_keeps_the_stack_connected_and_is_removed_with_the_broker() -> Result<()> {
    let (bed, client, _controller) = empty().await?;
    let namespace = bed.namespace();
    let done = redeploy(&bed, namespace, "--network-policy").await.exits(0).json();
    assert!(done["warnings"].to_string().contains("meshery-nats-ingress"), "{done:#}");
    assert_healthy(&bed, namespace).await?;
    let report = check(&bed, namespace).await;
    let checks = report["checks"].as_array().expect("checks");
    let open = checks.iter().find(|check| check["id"] == "network-policies-open").expect("the check");
    assert_eq!((&open["status"], &open["reason"]), (&json!("pass"), &json!(null)), "{open:#}");
    let again = redeploy(&bed, namespace, "--network-policy").await.exits(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert_eq!(again["warnings"], json!([]), "{again:#}");

    let path = rest::path("networking.k8s.io/v1", "NetworkPolicy", namespace, "meshery-nats-ingress");
    rest::get(&client, &path).await?;
    at(&bed, namespace, "system reset broker --yes --no-backup --wait 60s").run_beside().await.exits(0);
    let gone = rest::get(&client, &path).await.expect_err("it is removed");
    assert!(rest::is(&gone, 404), "{gone:#}");
    Ok(())
}

#[tokio::test]
async fn standalone_meshsync_is_deployed_replaced_by_the_operator_and_refused_beside_it() -> Result<()> {
    let (bed, client, _controller) = empty().await?;
    let namespace = bed.namespace();
    let (_broker, _, options) = other_broker(&bed, Some(TOKEN)).await?;
    let options = format!("--standalone {options}");

    let done = redeploy(&bed, namespace, &options).await.exits(0);
    assert_eq!(done.json()["verified"], "MeshSync CONNECTED", "{}", done.stdout);
    assert!(done.json()["warnings"].to_string().contains("BROKER_URL in MeshSync's Deployment"), "{}", done.stdout);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains(TOKEN), "{done:?}");
    assert_healthy(&bed, namespace).await?;
    let report = check(&bed, namespace).await;
    assert_eq!(report["target"]["mode"], "standalone", "{report:#}");
    let again = redeploy(&bed, namespace, &options).await.exits(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");

    // A filter is a change of the arguments, which the check mentions.
    let filtered = format!("{options} --output-namespaces default,{namespace}");
    redeploy(&bed, namespace, &filtered).await.exits(0);
    let report = check(&bed, namespace).await;
    let findings = report["findings"].as_array().expect("findings");
    let filter = findings.iter().find(|finding| finding["code"] == "meshsync-output-filter").expect("the filter");
    assert!(filter["evidence"].to_string().contains(&format!("default,{namespace}")), "{filter:#}");

    // The operator gets a Deployment without the filter.
    let operator = redeploy(&bed, namespace, "").await.exits(0).json();
    assert!(operator["steps"].to_string().contains("deployed without the operator"), "{operator:#}");
    assert_healthy(&bed, namespace).await?;
    let path = rest::path("apps/v1", "Deployment", namespace, "meshery-meshsync");
    let deployment = rest::get(&client, &path).await?;
    assert!(deployment["metadata"]["ownerReferences"].is_array(), "{deployment:#}");
    assert!(deployment["spec"]["template"]["spec"]["containers"][0]["args"].is_null(), "{deployment:#}");

    let refused = redeploy(&bed, namespace, &options).await.exits(4).json();
    assert!(refused["reason"].to_string().contains("standalone MeshSync has no custom resources"), "{refused:#}");
    assert!(refused["instead"].to_string().contains("system reset stack"), "{refused:#}");
    Ok(())
}

#[tokio::test]
async fn standalone_meshsync_is_removed_by_reset() -> Result<()> {
    let (bed, client, _controller) = empty().await?;
    let namespace = bed.namespace();
    let (_broker, _, options) = other_broker(&bed, None).await?;
    redeploy(&bed, namespace, &format!("--standalone {options}")).await.exits(0);
    at(&bed, namespace, "system reset stack --yes --no-backup --wait 60s").run_beside().await.exits(0);
    for path in [
        rest::path("apps/v1", "Deployment", namespace, "meshery-meshsync"),
        rest::path("v1", "ServiceAccount", namespace, "meshery-operator"),
        rest::path("rbac.authorization.k8s.io/v1", "ClusterRole", "", "meshery-meshsync-reader"),
    ] {
        let gone = rest::get(&client, &path).await.expect_err("it is removed");
        assert!(rest::is(&gone, 404), "{path}: {gone:#}");
    }
    Ok(())
}

#[tokio::test]
async fn objects_marked_for_a_helm_release_belong_to_it() -> Result<()> {
    let (bed, client, _controller) = empty().await?;
    let namespace = bed.namespace();
    let server = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "meshery", "namespace": namespace },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app.kubernetes.io/name": "meshery" } },
            "template": {
                "metadata": { "labels": { "app.kubernetes.io/name": "meshery" } },
                "spec": { "containers": [{
                    "name": "meshery", "image": "meshery/meshery:v1",
                    "env": [{ "name": "MESHSYNC_DEFAULT_DEPLOYMENT_MODE", "value": "operator" }],
                }] },
            },
        },
    });
    bed.apply(BED, std::slice::from_ref(&server)).await?;
    let unowned = redeploy(&bed, namespace, "").await.exits(0).json();
    let warnings = unowned["warnings"].to_string();
    assert!(warnings.contains("add --helm-release meshery-operator"), "{unowned:#}");

    let marked = redeploy(&bed, namespace, "--helm-release meshery-operator").await.exits(0).json();
    assert!(!marked["warnings"].to_string().contains("add --helm-release"), "{marked:#}");
    // It has no pods, which would make the stack unhealthy.
    rest::delete(&client, &rest::path_of(&server)?).await?;
    // What Helm requires of an object that exists before its release.
    for path in [
        rest::path("apps/v1", "Deployment", namespace, "meshery-operator"),
        rest::path("v1", "ServiceAccount", namespace, "meshery-operator"),
        rest::path("meshery.io/v1alpha1", "Broker", namespace, "meshery-broker"),
        rest::path("meshery.io/v1alpha1", "MeshSync", namespace, "meshery-meshsync"),
        rest::path("rbac.authorization.k8s.io/v1", "Role", namespace, "meshery-leader-election-role"),
        rest::path("rbac.authorization.k8s.io/v1", "ClusterRole", "", "meshery-operator-role"),
    ] {
        let metadata = rest::get(&client, &path).await?["metadata"].take();
        assert_eq!(metadata["labels"]["app.kubernetes.io/managed-by"], "Helm", "{path}");
        assert_eq!(metadata["annotations"]["meta.helm.sh/release-name"], "meshery-operator", "{path}");
        assert_eq!(metadata["annotations"]["meta.helm.sh/release-namespace"], namespace, "{path}");
    }
    let again = redeploy(&bed, namespace, "--helm-release meshery-operator").await.exits(0).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    for release in ["", "--helm-release other"] {
        let refused = redeploy(&bed, namespace, release).await.exits(4).json();
        assert!(refused["reason"].to_string().contains("Helm (release meshery-operator)"), "{refused:#}");
    }
    let other = at(&bed, namespace, "system redeploy --dry-run --take-over").run_beside().await.exits(0);
    assert!(other.stdout.contains("no longer managed by the other tool"), "{}", other.stdout);
    let reset = "system reset stack --yes --no-backup --wait 60s -o json";
    let refused = at(&bed, namespace, reset).run_beside().await.exits(4).json();
    assert!(refused["instead"].to_string().contains("add --take-over"), "{refused:#}");
    at(&bed, namespace, &format!("{reset} --take-over")).run_beside().await.exits(0);
    Ok(())
}

#[tokio::test]
async fn broker_that_cannot_be_queried_from_here_does_not_keep_redeploy_waiting() -> Result<()> {
    let (bed, _, _controller) = empty().await?;
    let namespace = bed.namespace();
    // Nothing listens there.
    let address = bed.addresses().spare();
    let done = redeploy(&bed, namespace, &format!("--broker-url {address} --wait 20s")).await.exits(0).json();
    assert_eq!(done["verified"], "MeshSync is running; its broker cannot be queried from here", "{done:#}");
    Ok(())
}
