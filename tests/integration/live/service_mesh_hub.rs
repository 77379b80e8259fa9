//! Service Mesh Hub on a real API server: the objects of a fixture, with Deployments whose pods run.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::{Value, json};

use super::{document, until_checked};
use crate::{
    bed::{
        self, Cluster, Lease, Line, Stack,
        gloo_mesh::{self, NAMESPACE},
        rest,
        rest::BED,
    },
    fixture,
    tool::{Ran, meshdoctor, roots},
};

/// Gloo Mesh in a cluster, and the objects from which it was made.
struct Hub {
    bed: Lease,
    client: Client,
}

impl Hub {
    /// The healthy fixture. The generations of its policies are those that their statuses refer to.
    async fn start() -> Result<Self> {
        let bed = bed::private().await?;
        let client = bed.client().await?;
        gloo_mesh::create_crds(&bed, &client).await?;
        let list = fixture::compose(&fixture::folder(), "smh-healthy").map_err(anyhow::Error::msg)?;
        let objects = list["items"].as_array().context("items")?;
        gloo_mesh::create_objects(&bed, &client, objects).await?;
        Ok(Self { bed, client })
    }

    async fn run(&self, arguments: &str) -> Ran {
        run(&self.bed, arguments).await
    }

    /// The document of `check`, without any flag about what to look for.
    async fn check(&self) -> Value {
        document(&self.run("check -o json").await)
    }

    /// Changes an object as a user does. The generation of a custom resource follows from its spec.
    async fn merge(&self, api_version: &str, kind: &str, name: &str, patch: &Value) -> Result<()> {
        rest::merge(&self.client, &rest::path(api_version, kind, NAMESPACE, name), patch).await.map(drop)
    }

    /// Writes a status as the controller does.
    async fn merge_status(&self, api_version: &str, kind: &str, name: &str, status: &Value) -> Result<()> {
        self.bed.patch_status(&rest::path(api_version, kind, NAMESPACE, name), status).await.map(drop)
    }
}

async fn run(cluster: &Cluster, arguments: &str) -> Ran {
    meshdoctor(arguments).kubeconfig(&cluster.kubeconfig()).run_beside().await
}

#[tokio::test]
async fn gloo_mesh_is_found_and_each_fault_is_named() -> Result<()> {
    const POLICIES: &str = "networking.mesh.gloo.solo.io/v1";
    let hub = Hub::start().await?;
    let healthy = hub.check().await;
    assert_eq!((&healthy["verdict"], &healthy["target"]["era"]), (&"healthy".into(), &"D".into()), "{healthy:#}");
    assert_eq!(healthy["target"]["profile"], "service-mesh-hub");
    let status = document(&hub.run("status -o json").await.exits(0));
    let policies = &status["components"]["policies"];
    assert_eq!(policies["objects"].as_array().map(Vec::len), Some(3), "{policies:#}");
    let targets = policies["targets"].as_array().context("targets")?;
    let applied = |service: &str| targets.iter().find(|target| target["service"] == service);
    assert_eq!(
        applied("reviews.bookinfo").context("a target")?["trafficPolicies"],
        json!(["reviews-timeout.gloo-mesh"])
    );

    // The API server raises the generation, and no controller observes it.
    hub.merge(
        POLICIES,
        "TrafficPolicy",
        "reviews-timeout",
        &json!({ "spec": { "policy": { "requestTimeout": "6s" } } }),
    )
    .await?;
    assert_eq!(roots(&hub.check().await), ["smh-not-observed"]);
    let key = "reviews-bookinfo-mgmt-cluster.gloo-mesh.";
    let entry = json!({ "state": "INVALID", "errors": ["port 1 does not exist"] });
    let invalid = json!({ "observedGeneration": 2, "state": "INVALID", "destinations": { key: entry } });
    hub.merge_status(POLICIES, "TrafficPolicy", "reviews-timeout", &invalid).await?;
    let check = hub.check().await;
    assert_eq!(roots(&check), ["smh-target-error"]);
    assert!(check["findings"][0]["title"].to_string().contains("reviews.bookinfo on mgmt-cluster"), "{check:#}");
    let accepted = json!({ "state": "ACCEPTED", "destinations": { key: { "state": "ACCEPTED", "errors": null } } });
    hub.merge_status(POLICIES, "TrafficPolicy", "reviews-timeout", &accepted).await?;
    assert_eq!(roots(&hub.check().await), [""; 0]);

    hub.merge("apps/v1", "Deployment", "networking", &json!({ "spec": { "replicas": 0 } })).await?;
    hub.merge(POLICIES, "AccessPolicy", "productpage", &json!({ "spec": { "allowedPorts": [1] } })).await?;
    let stopped = hub.check().await;
    assert_eq!(roots(&stopped), ["smh-components-not-running"], "{stopped:#}");
    assert!(stopped["findings"].to_string().contains("smh-not-observed"), "{stopped:#}");
    rest::delete(&hub.client, &rest::path("apps/v1", "Deployment", NAMESPACE, "networking")).await?;
    assert_eq!(hub.check().await["components"]["networking"]["state"], "NOTDEPLOYED");
    Ok(())
}

#[tokio::test]
async fn commands_that_change_a_stack_do_not_support_gloo_mesh() -> Result<()> {
    let hub = Hub::start().await?;
    for command in [
        "system redeploy",
        "system reset stack",
        "test dataflow",
        "watch-list",
        "manifests",
        "check --preflight",
        "rbac reset",
    ] {
        let refused = hub.run(&format!("{command} --profile service-mesh-hub")).await.exits(2);
        assert!(refused.stderr.contains("is not supported for Gloo Mesh"), "{command}: {}", refused.stderr);
        assert_eq!(refused.stdout, "", "{command}");
    }
    // Nothing can be fixed, and nothing is changed.
    let fix = document(&hub.run("check --fix --yes -o json").await.exits(0));
    assert_eq!((&fix["fixes"], &fix["verdict"]), (&json!([]), &"healthy".into()), "{fix:#}");
    // A test of events is about Meshery, which is not here.
    let flow = document(&hub.run("test dataflow -o json").await.exits(1));
    assert_eq!(flow["target"]["profile"], "meshery");
    Ok(())
}

/// Without permissions the states are unknown, and the printed role is sufficient.
#[tokio::test]
async fn printed_role_is_sufficient_for_gloo_mesh() -> Result<()> {
    let hub = Hub::start().await?;
    let user = hub.bed.user()?;
    let kubeconfig = hub.bed.kubeconfig_for(&user)?;
    let as_user = || meshdoctor("check -o json --profile service-mesh-hub").kubeconfig(&kubeconfig).run_beside();
    let denied = document(&as_user().await.exits(3));
    assert_eq!(
        (&denied["verdict"], &denied["components"]["policies"]["state"]),
        (&"unknown".into(), &"UNKNOWN".into())
    );
    let missing = denied["permissions"]["missing"].to_string();
    assert!(missing.contains("trafficpolicies") && missing.contains("deployments"), "{missing}");
    let roles = hub.run(&format!("rbac check --profile service-mesh-hub --to-user {user}")).await.exits(0);
    hub.bed.apply_yaml(&roles.stdout).await?;
    until_checked("the role to take effect", Duration::from_secs(10), || async {
        let ran = as_user().await;
        Ok((ran.code == 0 && document(&ran)["permissions"]["missing"] == json!([])).then_some(()))
    })
    .await
}

#[tokio::test]
async fn three_products_in_one_cluster_get_three_verdicts() -> Result<()> {
    let hub = Hub::start().await?;
    hub.bed.create_namespace("meshery").await?;
    hub.bed.create_namespace("meshplay").await?;
    let meshery = Stack::of(Line::Current).start(&hub.bed).await?;
    let _meshsync = meshery.meshsync(0).await?;
    let meshplay = Stack::of(Line::Meshplay).beside_another().start(&hub.bed).await?;
    let _other = meshplay.meshsync(0).await?;
    let list = hub.check().await;
    let stacks = list["stacks"].as_array().context("stacks")?;
    let verdicts: Vec<_> = stacks.iter().map(|stack| (&stack["target"]["profile"], &stack["verdict"])).collect();
    let expected = [("meshery", "healthy"), ("meshplay", "unhealthy"), ("service-mesh-hub", "healthy")];
    let expected: Vec<(Value, Value)> = expected.map(|(profile, verdict)| (profile.into(), verdict.into())).into();
    assert_eq!(verdicts, expected.iter().map(|(profile, verdict)| (profile, verdict)).collect::<Vec<_>>(), "{list:#}");
    assert_eq!(list["verdict"], "unhealthy");

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("all.json");
    meshdoctor("record").arg(&file).kubeconfig(&hub.bed.kubeconfig()).run_beside().await.exits(0);
    let read = document(&meshdoctor("check -o json --from").arg(&file).run_beside().await);
    for (live, recorded) in stacks.iter().zip(read["stacks"].as_array().context("stacks")?) {
        assert_eq!((&live["verdict"], &live["rootCauses"]), (&recorded["verdict"], &recorded["rootCauses"]));
    }
    Ok(())
}

/// A server behind the metrics port, which answers each connection with these bytes and then says nothing.
fn metrics_server(bed: &Lease, answer: Vec<u8>) -> Result<SocketAddr> {
    let listener = TcpListener::bind((bed.addresses().spare(), 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            // The program may close the connection before it has read everything.
            let _ = stream.write_all(&answer);
            open.push(stream);
        }
    });
    Ok(address)
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn agents_are_read_from_the_metrics_of_the_enterprise_controller() -> Result<()> {
    let hub = Hub::start().await?;
    let path = |name: &str| rest::path("apps/v1", "Deployment", NAMESPACE, name);
    let mut deployment = rest::get(&hub.client, &path("networking")).await?;
    let metadata = json!({ "name": "enterprise-networking", "namespace": NAMESPACE });
    deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {
            "selector": { "matchLabels": { "app": "enterprise-networking" } },
            "template": {
                "metadata": { "labels": { "app": "enterprise-networking" } },
                "spec": { "containers": [{
                    "name": "enterprise-networking",
                    "image": deployment["spec"]["template"]["spec"]["containers"][0]["image"],
                }] },
            },
        },
    });
    hub.bed.apply(BED, &[deployment]).await?;
    let pod = bed::until("the pod", Duration::from_secs(20), || async {
        let pods = rest::list(&hub.client, &rest::collection("v1", "Pod", Some(NAMESPACE))).await?;
        let is_running = |pod: &&Value| {
            pod["metadata"]["labels"]["app"] == "enterprise-networking" && pod["status"]["phase"] == "Running"
        };
        Ok(pods.iter().find(is_running).and_then(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned))
    })
    .await?;
    let gauges = |remote: u8| {
        ["pull", "push"]
            .map(|side| {
                format!(
                    "relay_{side}_clients_connected{{cluster=\"mgmt-cluster\"}} 1\n\
                     relay_{side}_clients_connected{{cluster=\"remote-cluster\"}} {remote}\n"
                )
            })
            .concat()
    };
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 8 << 20]].concat();
    // The answer, the status of the check, and whether the reason is said.
    for (answer, status, reason) in [
        (http("200 OK", &gauges(1)), "pass", None),
        (http("200 OK", &gauges(0)), "fail", Some("remote-cluster")),
        (http("404 Not Found", "no"), "unknown", Some("404")),
        (http("200 OK", "up 1\n"), "fail", Some("not connected")),
        (b"this is no HTTP\r\n\r\n".to_vec(), "unknown", Some("")),
        (Vec::new(), "unknown", Some("")),
        (endless, "unknown", Some("too large")),
    ] {
        let address = metrics_server(&hub.bed, answer)?;
        let forward = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward",
            "metadata": { "name": pod, "namespace": NAMESPACE },
            "spec": { "forwards": [{
                "ports": [9091],
                "target": { "address": address.ip().to_string(), "port": address.port() },
            }] },
        });
        hub.bed.apply(BED, &[forward]).await?;
        let is_judged = |report: &Value| {
            let checks = report["checks"].as_array().expect("checks");
            let check = checks.iter().find(|check| check["id"] == "smh-agents-connected").expect("the check");
            check["status"] == status && reason.is_none_or(|reason| check["reason"].to_string().contains(reason))
        };
        // The kubelet learns of a changed forward after a moment.
        until_checked("the agents to be judged", Duration::from_secs(20), || async {
            Ok(is_judged(&hub.check().await).then_some(()))
        })
        .await
        .with_context(|| format!("{status} {reason:?}"))?;
    }
    Ok(())
}
