//! Redeploys with options: a broker at an address, and a `NetworkPolicy` for the broker.

use anyhow::Result;
use serde_json::json;

use super::{assert_healthy, empty_with_controller, redeploy};
use crate::{
    bed::{self, Broker, rest},
    live::{at, check},
};

/// The token of the other broker. No output may contain it.
const TOKEN: &str = "theTokenOfAnotherBroker0123456789";

#[tokio::test]
async fn broker_url_connects_meshsync_to_another_broker_without_printing_its_token() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    let address = bed.addresses().spare();
    let _broker = Broker::start(&bed, "edge", address, Some(TOKEN)).await?;
    let _controller = empty_with_controller(&bed, namespace).await?;
    let file = bed.file(&format!("token-{namespace}"));
    std::fs::write(&file, format!("{TOKEN}\n"))?;
    let options = format!("--broker-url {address} --broker-token-file {}", file.display());

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
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    let _controller = empty_with_controller(&bed, namespace).await?;
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
