//! Gloo Mesh with its controllers: what they write about good and wrong policies, and what the check says about it.
//!
//! If `GLOO_MESH_BIN` names the binary of the real `discovery` and `networking` (1.2), they are started. Otherwise the
//! test writes what they were seen to write.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

use super::{document, until_checked};
use crate::{
    bed::{
        self, Lease, Process,
        gloo_mesh::{self, NAMESPACE},
        rest,
        rest::BED,
    },
    fixture,
    tool::{meshdoctor, roots},
};

const POLICIES: &str = "networking.mesh.gloo.solo.io/v1";

/// The name under which the cluster itself is registered.
const CLUSTER: &str = "mgmt-cluster";

/// The key of the discovered service.
const REVIEWS: &str = "reviews-bookinfo-mgmt-cluster.gloo-mesh.";

/// A cluster that is its own management cluster.
struct Managed {
    bed: Lease,
    client: Client,
    binary: Option<PathBuf>,
    discovery: Option<Process>,
    networking: Option<Process>,
}

impl Managed {
    async fn start() -> Result<Self> {
        let bed = bed::private().await?;
        let client = bed.client().await?;
        let binary = gloo_mesh::binary();
        gloo_mesh::create_crds(&bed, &client).await?;
        let list = fixture::compose(&fixture::folder(), "smh-healthy").map_err(anyhow::Error::msg)?;
        let is_wanted = |object: &&Value| is_wanted(object, binary.is_some());
        let objects: Vec<Value> =
            list["items"].as_array().context("items")?.iter().filter(is_wanted).cloned().collect();
        gloo_mesh::create_objects(&bed, &client, &objects).await?;
        let mut managed = Self { bed, client, binary, discovery: None, networking: None };
        if let Some(binary) = managed.binary.clone() {
            gloo_mesh::create_crds_of_controllers(&managed.bed, &managed.client).await?;
            managed.create_mesh().await?;
            managed.discovery = Some(gloo_mesh::start(&managed.bed, "discovery", &binary)?);
            managed.networking = Some(gloo_mesh::start(&managed.bed, "networking", &binary)?);
            // At its start, discovery deletes what it knows, and creates it again.
            let path =
                rest::path("discovery.mesh.gloo.solo.io/v1", "Destination", NAMESPACE, "reviews-bookinfo-mgmt-cluster");
            bed::until_stable("the discovered service", Duration::from_secs(3), Duration::from_secs(60), || async {
                let destination = rest::get(&managed.client, &path).await.ok();
                Ok(destination.and_then(|it| it["metadata"]["uid"].as_str().map(str::to_owned)))
            })
            .await?;
        }
        Ok(managed)
    }

    /// Istio and a service with a sidecar, which discovery finds through the kubeconfig in the Secret of the cluster.
    async fn create_mesh(&self) -> Result<()> {
        let deployment = |namespace: &str, name: &str, images: &[(&str, &str)]| {
            let containers: Vec<Value> =
                images.iter().map(|(name, image)| json!({ "name": name, "image": image })).collect();
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": namespace },
                "spec": {
                    "selector": { "matchLabels": { "app": name } },
                    "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": containers } },
                },
            })
        };
        for namespace in ["istio-system", "bookinfo"] {
            self.bed.create_namespace(namespace).await?;
        }
        let kubeconfig = fs::read_to_string(self.bed.kubeconfig())?;
        let objects = [
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "istio", "namespace": "istio-system" },
                "data": { "mesh": "trustDomain: cluster.local\n" },
            }),
            deployment("istio-system", "istiod", &[("discovery", "docker.io/istio/pilot:1.11.4")]),
            deployment(
                "bookinfo",
                "reviews",
                &[("app", "example.com/reviews:1"), ("istio-proxy", "docker.io/istio/proxyv2:1.11.4")],
            ),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": "reviews", "namespace": "bookinfo" },
                "spec": { "selector": { "app": "reviews" }, "ports": [{ "name": "http", "port": 9080 }] },
            }),
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": CLUSTER, "namespace": NAMESPACE },
                "type": "solo.io/kubeconfig", "stringData": { "kubeconfig": kubeconfig },
            }),
        ];
        self.bed.apply(BED, &objects).await.map(drop)
    }

    /// Applies a policy, and waits until networking has judged it. The real networking writes this status.
    async fn apply(&self, kind: &str, name: &str, spec: &Value, status: &Value) -> Result<()> {
        let metadata = json!({ "name": name, "namespace": NAMESPACE });
        let policy = json!({ "apiVersion": POLICIES, "kind": kind, "metadata": metadata, "spec": spec });
        self.bed.apply(BED, &[policy]).await?;
        let path = rest::path(POLICIES, kind, NAMESPACE, name);
        if self.binary.is_none() {
            let generation = &rest::get(&self.client, &path).await?["metadata"]["generation"];
            let mut status = status.clone();
            status["observedGeneration"] = generation.clone();
            self.bed.patch_status(&path, &status).await?;
        }
        let what = format!("networking to judge {kind} {name}");
        let written = bed::until(&what, Duration::from_secs(30), || async {
            let policy = rest::get(&self.client, &path).await?;
            let is_judged = policy["status"]["observedGeneration"] == policy["metadata"]["generation"];
            Ok((is_judged && policy["status"]["state"] == status["state"]).then(|| policy["status"].clone()))
        })
        .await?;
        assert_eq!(written["errors"], status["errors"], "{written:#}");
        Ok(())
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<()> {
        rest::delete(&self.client, &rest::path(POLICIES, kind, NAMESPACE, name)).await
    }

    async fn check(&self) -> Value {
        let check = meshdoctor("check --profile service-mesh-hub -o json").kubeconfig(&self.bed.kubeconfig());
        document(&check.run_beside().await)
    }

    /// Waits for these root causes: a moment after a policy changed, networking writes the statuses of others again.
    async fn until_roots(&self, expected: &[&str]) -> Result<Value> {
        let last = std::cell::RefCell::new(Value::Null);
        let found = until_checked("the root causes", Duration::from_secs(20), || async {
            let report = self.check().await;
            let is_expected = roots(&report) == expected;
            *last.borrow_mut() = report.clone();
            Ok(is_expected.then_some(report))
        })
        .await;
        found.with_context(|| format!("not {expected:?}: {:#}", last.borrow()["findings"]))
    }

    /// Ends networking, and tells its Deployment so.
    async fn stop_networking(&mut self) -> Result<()> {
        self.networking = None;
        let path = rest::path("apps/v1", "Deployment", NAMESPACE, "networking");
        rest::merge(&self.client, &path, &json!({ "spec": { "replicas": 0 } })).await.map(drop)
    }
}

/// The real discovery writes the discovered objects itself, and only one cluster is registered. Policies come later.
fn is_wanted(object: &Value, is_real: bool) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let discovered = ["Mesh", "Workload", "Destination", "IssuedCertificate"];
    match object["kind"].as_str().unwrap_or_default() {
        "TrafficPolicy" | "AccessPolicy" | "VirtualMesh" => false,
        kind if discovered.contains(&kind) => !is_real && !name.contains("remote-cluster"),
        "KubernetesCluster" => name == CLUSTER,
        _ => true,
    }
}

fn to_service(name: &str) -> Value {
    let service = json!({ "name": name, "namespace": "bookinfo", "clusterName": CLUSTER });
    json!([{ "kubeServiceRefs": { "services": [service] } }])
}

#[tokio::test]
#[ignore = "waits for the controllers of Gloo Mesh: tests/run --exhaustive"]
async fn what_the_controllers_write_is_judged_right() -> Result<()> {
    let mut managed = Managed::start().await?;
    let timeout = |seconds: &str| json!({ "requestTimeout": seconds });

    let spec = json!({ "destinationSelector": to_service("reviews"), "policy": timeout("5s") });
    let workloads = json!(["reviews-bookinfo-mgmt-cluster-deployment.gloo-mesh."]);
    let targets = json!({ REVIEWS: { "state": "ACCEPTED" } });
    let accepted = json!({ "state": "ACCEPTED", "destinations": targets, "workloads": workloads });
    managed.apply("TrafficPolicy", "reviews-timeout", &spec, &accepted).await?;
    let report = managed.until_roots(&[]).await?;
    assert!(!report["findings"].to_string().contains("reviews-timeout"), "{report:#}");
    assert_eq!(report["components"]["policies"]["state"], "ACCEPTED", "{report:#}");

    let unknown = json!({ "destinationSelector": to_service("audit"), "policy": timeout("5s") });
    let invalid = json!({ "state": "INVALID", "errors": ["Destination audit.bookinfo.mgmt-cluster not found"] });
    managed.apply("TrafficPolicy", "audit-timeout", &unknown, &invalid).await?;
    let report = managed.until_roots(&["smh-target-not-discovered"]).await?;
    let title = report["findings"][0]["title"].as_str().unwrap_or_default();
    assert!(title.contains("audit-timeout") && title.contains("audit.bookinfo.mgmt-cluster"), "{title}");
    managed.delete("TrafficPolicy", "audit-timeout").await?;

    let meshes = json!({ "meshes": [{ "name": "istiod-istio-system-cluster-3", "namespace": NAMESPACE }] });
    let error = "*v1.Mesh with id istiod-istio-system-cluster-3.gloo-mesh. not found";
    let invalid = json!({ "state": "INVALID", "errors": [error] });
    managed.apply("VirtualMesh", "unknown", &meshes, &invalid).await?;
    let report = managed.until_roots(&["smh-target-not-discovered"]).await?;
    assert_eq!(report["findings"][0]["object"]["kind"], "VirtualMesh", "{report:#}");
    managed.delete("VirtualMesh", "unknown").await?;

    // Two policies set the same field to other values: the first by name wins, and the older one becomes invalid.
    managed.until_roots(&[]).await?;
    let path = rest::path(POLICIES, "TrafficPolicy", NAMESPACE, "reviews-timeout");
    let other = json!({ "destinationSelector": to_service("reviews"), "policy": timeout("6s") });
    managed.apply("TrafficPolicy", "a-timeout", &other, &accepted).await?;
    if managed.binary.is_none() {
        let error =
            "timeout: field types.Duration is already owned by *v1.TrafficPolicy [a-timeout.gloo-mesh.] (priority 0)";
        let entry = json!({ REVIEWS: { "state": "INVALID", "errors": [error] } });
        managed.bed.patch_status(&path, &json!({ "state": "INVALID", "destinations": entry })).await?;
    }
    let report = managed.until_roots(&["smh-target-error"]).await?;
    assert!(report["findings"][0]["message"].to_string().contains("TrafficPolicy a-timeout.gloo-mesh"), "{report:#}");

    // The conflict is solved while networking does not run. Its old status is no longer judged.
    managed.stop_networking().await?;
    let solved = json!({ "spec": { "policy": { "requestTimeout": null, "retries": { "attempts": 2 } } } });
    rest::merge(&managed.client, &path, &solved).await?;
    let report = managed.until_roots(&["smh-components-not-running"]).await?;
    let codes = super::codes(&report);
    assert_eq!(codes, ["smh-components-not-running", "smh-not-observed"], "{:#}", report["findings"]);
    assert!(report["findings"][1]["evidence"].to_string().contains("is already owned by"), "{report:#}");
    Ok(())
}
