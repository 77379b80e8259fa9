//! `--remote-context`: a management cluster of Gloo Mesh and a registered cluster, each with an API server of its own.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

use super::{document, until_checked};
use crate::{
    bed::{self, Lease, gloo_mesh, rest, rest::BED},
    fixture,
    tool::{Ran, meshdoctor, roots},
};

const NAMESPACE: &str = "gloo-mesh";
const ISTIO: &str = "istio-system";
const CERTIFICATES: &str = "certificates.mesh.gloo.solo.io/v1";
const MESH: &str = "istiod-istio-system-remote-cluster";

/// A management cluster, and a registered cluster.
struct Clusters {
    management: Lease,
    registered: Lease,
    client: Client,
    kubeconfig: PathBuf,
}

impl Clusters {
    async fn start() -> Result<Self> {
        let (management, registered) = tokio::try_join!(bed::private(), bed::private())?;
        let admin = management.client().await?;
        gloo_mesh::create_crds(&management, &admin).await?;
        let list = fixture::compose(&fixture::folder(), "smh-healthy").map_err(anyhow::Error::msg)?;
        gloo_mesh::create_objects(&management, &admin, list["items"].as_array().context("items")?).await?;
        let client = registered.client().await?;
        install(&registered, &client).await?;
        let kubeconfig = management.file("both");
        let users = [("mgmt", management.kubeconfig()), ("remote", registered.kubeconfig())];
        fs::write(&kubeconfig, merged(&users)?)?;
        Ok(Self { management, registered, client, kubeconfig })
    }

    async fn run(&self, arguments: &str) -> Ran {
        meshdoctor(arguments).kubeconfig(&self.kubeconfig).run_beside().await
    }

    async fn check(&self) -> Value {
        document(&self.run("check -o json --remote-context remote").await)
    }

    /// Waits until the check has this one root cause, or none.
    async fn until(&self, root: Option<&str>) -> Result<Value> {
        until_checked(root.unwrap_or("a healthy stack"), Duration::from_secs(30), || async {
            let check = self.check().await;
            let found: Vec<&str> = root.into_iter().collect();
            Ok((roots(&check) == found).then_some(check))
        })
        .await
    }

    async fn merge(&self, api_version: &str, kind: &str, place: (&str, &str), patch: &Value) -> Result<()> {
        rest::merge(&self.client, &rest::path(api_version, kind, place.0, place.1), patch).await.map(drop)
    }

    async fn set_certificate(&self, status: &Value) -> Result<()> {
        let path = rest::path(CERTIFICATES, "IssuedCertificate", NAMESPACE, MESH);
        self.registered.patch_status(&path, status).await.map(drop)
    }
}

/// A kubeconfig with a context for each of these, the first one being the current context.
fn merged(users: &[(&str, PathBuf)]) -> Result<String> {
    let mut all = json!({ "apiVersion": "v1", "kind": "Config", "current-context": users[0].0 });
    for (name, path) in users {
        let one: Value = serde_yaml::from_str(&fs::read_to_string(path)?)?;
        for (list, field) in [("clusters", "cluster"), ("users", "user")] {
            let entry = json!({ "name": name, field: one[list][0][field] });
            let list = all.as_object_mut().context("an object")?.entry(list).or_insert_with(|| json!([]));
            list.as_array_mut().context("a list")?.push(entry);
        }
        let context = json!({ "name": name, "context": { "cluster": name, "user": name } });
        let contexts = all.as_object_mut().context("an object")?.entry("contexts").or_insert_with(|| json!([]));
        contexts.as_array_mut().context("a list")?.push(context);
    }
    Ok(all.to_string())
}

fn deployment(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": name, "image": format!("example.com/{name}:1.2.0") }] },
            },
        },
    })
}

/// What the agent, the controllers and Istio have in a registered cluster.
async fn install(bed: &Lease, client: &Client) -> Result<()> {
    gloo_mesh::create_crds_of_agents(bed, client).await?;
    for namespace in [NAMESPACE, ISTIO] {
        bed.create_namespace(namespace).await?;
    }
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "cacerts", "namespace": ISTIO },
        "type": format!("{CERTIFICATES}/issued_certificate").replace("/v1", ""),
        "stringData": { "root-cert.pem": "of the test" },
    });
    let gateway = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "istio-ingressgateway", "namespace": ISTIO },
        "spec": {
            "type": "NodePort", "selector": { "istio": "ingressgateway" }, "ports": [{ "name": "tls", "port": 15443 }],
        },
    });
    let certificate = json!({
        "apiVersion": CERTIFICATES, "kind": "IssuedCertificate",
        "metadata": {
            "name": MESH, "namespace": NAMESPACE, "labels": { "cluster.multicluster.solo.io": "remote-cluster" },
        },
        "spec": { "org": "Istio" },
    });
    bed.apply(BED, &[secret, gateway, certificate]).await?;
    let finished = json!({ "state": "FINISHED", "observedGeneration": 1 });
    bed.patch_status(&rest::path(CERTIFICATES, "IssuedCertificate", NAMESPACE, MESH), &finished).await?;
    // istiod reads the Secret when it starts, so it comes after it.
    let istiod = deployment(ISTIO, "istiod", &json!({ "app": "istiod", "istio": "pilot" }));
    let agent = deployment(NAMESPACE, "cert-agent", &json!({ "app": "cert-agent" }));
    bed.apply(BED, &[istiod, agent]).await.map(drop)
}

#[tokio::test]
async fn each_fault_of_a_registered_cluster_is_named() -> Result<()> {
    let clusters = Clusters::start().await?;
    let healthy = clusters.until(None).await?;
    let check = |id: &str| healthy["checks"].as_array().into_iter().flatten().find(|check| check["id"] == id);
    for id in ["smh-remote-contexts", "smh-agents-running", "smh-certificates", "smh-cacerts", "smh-istiod-restarted"] {
        assert_eq!(check(id).context("a check")?["status"], "pass", "{id}: {healthy:#}");
    }
    let of_registered = json!({
        "name": "remote-cluster", "context": "remote", "agent": { "state": "DEPLOYED", "version": "1.2.0" }, "meshes": [MESH],
    });
    assert_eq!(healthy["components"]["clusters"][1], of_registered);
    let without = document(&clusters.run("check -o json").await.exits(0));
    let skipped = without["checks"].as_array().into_iter().flatten().find(|check| check["id"] == "smh-cacerts");
    assert_eq!(skipped.context("a check")?["reason"], "no --remote-context was given");

    // The times of the API server are whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let renewed = json!({ "stringData": { "root-cert.pem": "renewed" } });
    clusters.merge("v1", "Secret", (ISTIO, "cacerts"), &renewed).await?;
    let older = clusters.until(Some("smh-istiod-older-than-cacerts")).await?;
    let command = &older["findings"][0]["remedy"]["commands"][0]["run"];
    assert!(
        command.as_str().context("a command")?.contains("--context remote -n istio-system rollout restart"),
        "{older:#}"
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let again = json!({ "spec": { "template": { "metadata": { "annotations": { "restartedAt": "now" } } } } });
    clusters.merge("apps/v1", "Deployment", (ISTIO, "istiod"), &again).await?;
    clusters.until(None).await?;

    clusters.set_certificate(&json!({ "state": "REQUESTED" })).await?;
    clusters.until(Some("smh-certificate-not-issued")).await?;
    clusters.set_certificate(&json!({ "state": "FINISHED" })).await?;
    clusters.merge("apps/v1", "Deployment", (NAMESPACE, "cert-agent"), &json!({ "spec": { "replicas": 0 } })).await?;
    let stopped = clusters.until(Some("smh-components-not-running")).await?;
    assert!(stopped["findings"][0]["title"].to_string().contains("cluster remote-cluster"), "{stopped:#}");
    clusters.merge("apps/v1", "Deployment", (NAMESPACE, "cert-agent"), &json!({ "spec": { "replicas": 1 } })).await?;
    clusters.until(None).await?;

    // The times of the two API servers may differ by a few seconds.
    let root = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "virtual-mesh.gloo-mesh", "namespace": NAMESPACE }, "stringData": { "key": "of the test" },
    });
    tokio::time::sleep(Duration::from_secs(6)).await;
    clusters.management.apply(BED, &[root]).await?;
    clusters.until(Some("smh-root-newer-than-cacerts")).await?;

    rest::delete(&clusters.client, &rest::path("v1", "Secret", ISTIO, "cacerts")).await?;
    let missing = clusters.until(Some("smh-cacerts-missing")).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("both.json");
    meshdoctor("record --remote-context remote")
        .arg(&file)
        .kubeconfig(&clusters.kubeconfig)
        .run_beside()
        .await
        .exits(0);
    assert!(!fs::read_to_string(&file)?.contains("of the test"));
    let read = document(&meshdoctor("check -o json --from").arg(&file).run_beside().await);
    assert_eq!((&read["rootCauses"], &read["findings"]), (&missing["rootCauses"], &missing["findings"]));
    Ok(())
}

#[tokio::test]
async fn registered_cluster_that_cannot_be_read_is_unknown() -> Result<()> {
    let clusters = Clusters::start().await?;
    clusters.until(None).await?;
    // Whoever may read nothing there learns which permissions are missing.
    let nobody = clusters.registered.kubeconfig_for("nobody")?;
    let kubeconfig = clusters.management.file("denied");
    fs::write(&kubeconfig, merged(&[("mgmt", clusters.management.kubeconfig()), ("remote", nobody)])?)?;
    let arguments = "check -o json --remote-context remote";
    let denied = document(&meshdoctor(arguments).kubeconfig(&kubeconfig).run_beside().await.exits(3));
    let finding = &denied["findings"][0];
    assert_eq!(finding["code"], "smh-remote-context-incomplete", "{denied:#}");
    assert!(
        finding["evidence"].to_string().contains(r#"get secrets \"cacerts\" in namespace istio-system"#),
        "{finding:#}"
    );

    let unknown = clusters.run("check --remote-context nowhere").await.exits(2);
    assert!(unknown.stderr.contains("nowhere"), "{}", unknown.stderr);
    assert_eq!(unknown.stdout, "");
    let swapped = clusters.run("check --context remote --remote-context mgmt").await.exits(2);
    assert!(swapped.stderr.contains("without Gloo Mesh"), "{}", swapped.stderr);

    clusters.registered.kill_api_server();
    let gone = document(&clusters.run(arguments).await.exits(3));
    assert_eq!(gone["verdict"], "unknown");
    assert_eq!(roots(&gone), ["smh-remote-context-incomplete"], "{gone:#}");
    let status = document(&clusters.run("status -o json --remote-context remote").await.exits(3));
    assert_eq!(status["components"]["agents"]["state"], "UNKNOWN", "{status:#}");
    Ok(())
}
