//! The modes in which a cluster can be watched, each with a real control plane and real NATS servers.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{at, check, codes, until_checked};
use crate::{
    bed::{self, Broker, FakeClient, Lease, Line, Stack, rest, rest::BED},
    schema,
    tool::{roots, states},
};

/// A token that no output may contain.
const SECRET: &str = "theTokenOfAnotherBroker0123456789";

fn status<'a>(report: &'a Value, id: &str) -> &'a str {
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == id);
    check.expect("the check")["status"].as_str().expect("a status")
}

/// The server's variable for the mode.
const MODE: &str = "MESHSYNC_DEFAULT_DEPLOYMENT_MODE";

/// A workload with one container, run by kwok.
fn workload(kind: &str, name: &str, container: &Value) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [container] },
            },
        },
    })
}

async fn apply(bed: &Lease, mut object: Value) -> Result<()> {
    object["metadata"]["namespace"] = bed.namespace().into();
    if object["kind"] == "Deployment" {
        object["spec"].as_object_mut().and_then(|spec| spec.remove("serviceName"));
    }
    bed.apply(BED, &[object]).await?;
    Ok(())
}

/// Another broker in this namespace: a Service, a pod, and the server behind the pod's ports.
async fn events(bed: &Lease, token: Option<&str>) -> Result<Broker> {
    let broker = Broker::start(bed, "events-0", bed.addresses().spare(), token).await?;
    let container = json!({
        "name": "server", "image": "nats:2.14.2",
        "ports": [{ "containerPort": 4222 }, { "containerPort": 8222 }],
    });
    apply(bed, workload("StatefulSet", "events", &container)).await?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "events" },
        "spec": { "selector": { "app": "events" }, "ports": [{ "name": "nats", "port": 4222 }] },
    });
    apply(bed, service).await?;
    let forwards =
        |port: u16| json!({ "ports": [port], "target": { "address": broker.address.to_string(), "port": port } });
    let forward = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward", "metadata": { "name": "events-0" },
        "spec": { "forwards": [forwards(4222), forwards(8222)] },
    });
    apply(bed, forward).await?;
    Ok(broker)
}

/// MeshSync deployed without the operator.
async fn standalone(bed: &Lease, name: &str, address: &str) -> Result<()> {
    let container = json!({
        "name": "meshsync", "image": "meshery/meshsync:1.0.3",
        "env": [{ "name": "BROKER_URL", "value": address }, { "name": "CLUSTER_ID", "value": "my-cluster" }],
    });
    apply(bed, workload("Deployment", name, &container)).await?;
    until_checked("its pod to run", Duration::from_secs(30), || async {
        let report = check(bed, bed.namespace()).await;
        let reason = report["components"]["meshsync"]["reason"].as_str();
        Ok(reason.is_some_and(|reason| reason.contains(" is running")).then_some(()))
    })
    .await
}

/// Makes the operator's MeshSync publish to an address and removes the stack's own broker.
async fn publish_to(bed: &Lease, stack: &Stack, address: &str) -> Result<()> {
    let custom = json!({ "spec": { "broker": { "native": null, "custom": { "url": address } } } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &custom).await?;
    for (version, kind, name) in [
        ("apps/v1", "StatefulSet", "meshery-nats"),
        ("v1", "Service", "meshery-nats"),
        ("v1", "Service", "meshery-nats-headless"),
        ("v1", "Secret", "meshery-nats-auth"),
    ] {
        rest::delete(&stack.client, &stack.path(version, kind, name)).await?;
    }
    let broker = stack.custom_path("Broker");
    rest::merge(&stack.client, &broker, &json!({ "metadata": { "finalizers": null } })).await?;
    rest::delete(&stack.client, &broker).await?;
    let path = stack.path("apps/v1", "Deployment", "meshery-meshsync");
    let env = json!([{ "name": "BROKER_URL", "value": address }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "meshsync", "env": env }] } } } });
    let request = http::Request::patch(&path)
        .header("content-type", "application/strategic-merge-patch+json")
        .body(patch.to_string().into_bytes())?;
    stack.client.request_text(request).await?;
    until_checked("the new pod alone", Duration::from_secs(30), || async {
        let brokers = stack.pods("broker").await?.len();
        let report = check(bed, bed.namespace()).await;
        let settled = brokers == 0
            && status(&report, "meshsync-environment") == "pass"
            && status(&report, "meshsync-workload") == "pass";
        Ok(settled.then_some(()))
    })
    .await
}

async fn operator_stack(bed: &Lease) -> Result<Stack> {
    Stack::of(Line::Current).namespace(bed.namespace()).start(bed).await
}

fn meshsync(broker: &Broker) -> Result<FakeClient> {
    let subject = "meshery.meshsync.request".to_owned();
    FakeClient::connect("meshsync", &broker.endpoint(), broker.token.as_deref(), &[subject])
}

#[tokio::test]
async fn broker_outside_the_cluster_is_queried_directly_without_printing_its_token() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = operator_stack(&bed).await?;
    let address = bed.addresses().spare();
    let broker = Broker::start(&bed, "edge", address, Some(SECRET)).await?;
    publish_to(&bed, &stack, &format!("nats://{SECRET}@{address}:4222")).await?;

    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/RUNNING/UNDEPLOYED", "{report:#}");
    assert_eq!(roots(&report)[0], "meshsync-not-connected", "{report:#}");

    let _meshsync = meshsync(&broker)?;
    let ran = at(&bed, bed.namespace(), "system check -o json").run_beside().await.exits(0);
    assert!(!ran.stdout.contains(SECRET), "{}", ran.stdout);
    let report = ran.json();
    schema::assert_fits(schema::validator(), &report, "a custom broker");
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/UNDEPLOYED", "{report:#}");
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    assert_eq!(report["target"]["mode"], "custom-broker");
    let component = &report["components"]["broker"];
    assert_eq!(component["expectedAbsent"], true);
    assert_eq!(component["servers"][0]["reachedBy"], "custom-address");
    assert_eq!(status(&report, "meshsync-elsewhere"), "pass");
    assert_eq!(status(&report, "broker-token-accepted"), "skip");
    Ok(())
}

#[tokio::test]
async fn unreachable_custom_broker_leaves_the_verdict_unknown() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = operator_stack(&bed).await?;
    // Nothing listens there.
    let address = bed.addresses().spare();
    publish_to(&bed, &stack, &format!("nats://{address}:4222")).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(report["exitCode"], 3, "{report:#}");
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/UNDEPLOYED");
    assert_eq!(roots(&report)[0], "broker-unreachable", "{report:#}");
    assert_eq!(report["verdict"], "unknown");

    // Short names and Service names resolve only inside the cluster, so no connection is tried.
    let url = json!({ "spec": { "broker": { "custom": { "url": "nats://nats.other.svc:4222" } } } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &url).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(states(&report), "DEPLOYED/RUNNING+/UNDEPLOYED");
    // The pod still has the previous address.
    assert!(codes(&report).contains(&"meshsync-stale-env"), "{report:#}");
    let unreachable = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == "broker-unreachable")
        .expect("the obstacle");
    assert!(unreachable["evidence"].to_string().contains("namespace other"), "{unreachable:#}");
    Ok(())
}

#[tokio::test]
async fn custom_broker_in_this_namespace_is_queried_through_its_pod() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = operator_stack(&bed).await?;
    let broker = events(&bed, Some(SECRET)).await?;
    // The stack's own broker stays and has no clients. That is expected and does not affect the state.
    let address = format!("nats://{SECRET}@events.{}.svc:4222", bed.namespace());
    let custom = json!({ "spec": { "broker": { "native": null, "custom": { "url": address } } } });
    rest::merge(&stack.client, &stack.custom_path("MeshSync"), &custom).await?;
    let ours = meshsync(&broker)?;
    until_checked("MeshSync to be seen there", Duration::from_secs(30), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok((states(&report) == "DEPLOYED/CONNECTED/DEPLOYED").then_some(()))
    })
    .await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(status(&report, "meshsync-elsewhere"), "pass", "{report:#}");
    assert_eq!(status(&report, "broker-token-accepted"), "pass");
    assert!(!codes(&report).contains(&"meshsync-not-connected"));

    // A Meshery Server that reads from the stack's own broker receives nothing from this one.
    let server = stack.server(0)?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "broker-server-not-connected", "{report:#}");
    drop(server);

    // A client on the stack's own broker is then foreign.
    drop(ours);
    let _foreign = stack.meshsync(0).await?;
    let report = until_checked("the first one to be gone", Duration::from_secs(10), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok((states(&report) == "DEPLOYED/RUNNING/DEPLOYED").then_some(report))
    })
    .await?;
    assert!(codes(&report).contains(&"meshsync-foreign-client"), "{report:#}");
    Ok(())
}

#[tokio::test]
async fn standalone_meshsync_is_judged_by_its_connection() -> Result<()> {
    let bed = bed::lease().await?;
    let broker = events(&bed, None).await?;
    let address = format!("nats://events.{}:4222", bed.namespace());
    standalone(&bed, "watcher", &address).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(report["target"]["mode"], "standalone", "{report:#}");
    assert_eq!(states(&report), "NOTDEPLOYED/UNDEPLOYED/UNDEPLOYED");
    assert!(codes(&report).contains(&"meshsync-not-connected"), "{report:#}");
    // It runs as the namespace's default ServiceAccount, which cannot read anything.
    assert!(codes(&report).contains(&"meshsync-cannot-list"), "{report:#}");
    for code in ["not-installed", "operator-missing", "crd-missing", "cr-missing"] {
        assert!(!codes(&report).contains(&code), "{code}: {report:#}");
    }

    let _meshsync = meshsync(&broker)?;
    let report = check(&bed, bed.namespace()).await;
    assert!(!codes(&report).contains(&"meshsync-not-connected"), "{report:#}");
    assert_eq!(status(&report, "meshsync-connected"), "pass");
    for component in ["operator", "broker", "meshsync"] {
        assert_eq!(report["components"][component]["expectedAbsent"], true, "{component}");
    }
    schema::assert_fits(schema::validator(), &report, "standalone");
    Ok(())
}

#[tokio::test]
async fn address_from_the_public_example_is_a_wrong_target() -> Result<()> {
    let bed = bed::lease().await?;
    standalone(&bed, "meshery-meshsync", "nats://meshery-broker:4222").await?;
    let report = check(&bed, bed.namespace()).await;
    assert!(codes(&report).contains(&"meshsync-wrong-target"), "{report:#}");
    let silent = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == "meshsync-not-connected")
        .expect("not connected");
    assert_eq!(silent["causedBy"][0], "meshsync-wrong-target");
    Ok(())
}

#[tokio::test]
async fn unexpected_mode_is_an_error() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = operator_stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let expect = async |words: &str| {
        at(&bed, bed.namespace(), &format!("system check -o json --expect {words}")).run_beside().await
    };
    let report = expect("embedded").await.exits(1).json();
    assert_eq!(roots(&report), ["mode-not-expected"], "{report:#}");
    expect("operator").await.exits(0);
    Ok(())
}

/// Makes the API server serve the paths of the metrics API, by a CRD in its group.
async fn serve_metrics(bed: &Lease, pod: &str, memory: &str) -> Result<()> {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "pods.metrics.k8s.io",
            "annotations": { "api-approved.kubernetes.io": "unapproved, a stand-in" },
        },
        "spec": {
            "group": "metrics.k8s.io", "scope": "Namespaced",
            "names": { "plural": "pods", "singular": "pod", "kind": "PodMetrics", "listKind": "PodMetricsList" },
            "versions": [{ "name": "v1beta1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    bed.apply(BED, &[crd]).await?;
    let client = bed.client().await?;
    let pods = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", bed.namespace());
    let usage = json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": { "name": pod },
        "timestamp": "2026-11-21T00:00:00Z", "window": "15s",
        "containers": [{ "name": "meshsync", "usage": { "cpu": "12m", "memory": memory } }],
    });
    bed::until("the metrics to be served", Duration::from_secs(20), || async {
        rest::delete(&client, &format!("{pods}/{pod}")).await?;
        Ok(rest::post(&client, &pods, &usage).await.ok())
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn meshsync_memory_is_checked_if_metrics_are_served_and_readable() -> Result<()> {
    let bed = bed::private().await?;
    let stack = operator_stack(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(status(&report, "meshsync-memory"), "skip");
    assert_eq!(report["verdict"], "healthy", "{report:#}");

    let pod = stack.pods("meshsync").await?.remove(0);
    serve_metrics(&bed, &pod, "3900Mi").await?;
    let report = check(&bed, bed.namespace()).await;
    assert_eq!(roots(&report)[0], "meshsync-high-memory", "{report:#}");
    assert_eq!(status(&report, "meshsync-memory"), "warn");

    // A user with the printed role can read the metrics. Without that permission the check is skipped, and no
    // permission is reported as missing.
    let user = bed.user()?;
    let ran = at(&bed, bed.namespace(), &format!("rbac check --to-user {user}")).run_beside().await.exits(0);
    let kubeconfig = bed.kubeconfig_for(&user)?;
    let check_as_user =
        async || at(&bed, bed.namespace(), "system check -o json").kubeconfig(&kubeconfig).run_beside().await.json();
    bed.apply_yaml(&ran.stdout.replace("metrics.k8s.io", "none.example")).await?;
    let report = check_as_user().await;
    assert_eq!(status(&report, "meshsync-memory"), "skip", "{report:#}");
    assert!(!codes(&report).contains(&"permission-missing"), "{report:#}");
    bed.apply_yaml(&ran.stdout).await?;
    let report = check_as_user().await;
    assert_eq!(status(&report, "meshsync-memory"), "warn", "{report:#}");
    Ok(())
}

#[tokio::test]
async fn embedded_mode_is_known_only_from_literal_values_of_the_server() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let client = bed.client().await?;
    bed.ensure_no_crds(&client).await?;
    let path = rest::path("apps/v1", "Deployment", namespace, "meshery");
    let reference = json!({ "configMapKeyRef": { "name": "mode", "key": "mode", "optional": true } });
    for (variable, verdict, mode, code) in [
        (json!({ "name": MODE, "value": "embedded" }), "healthy", "embedded", 0),
        (json!({ "name": "DISABLE_OPERATOR", "value": "true" }), "healthy", "embedded", 0),
        (json!({ "name": MODE, "value": "operator" }), "not-installed", "none", 1),
        (json!({ "name": MODE, "valueFrom": reference }), "not-installed", "none", 1),
        (json!({ "name": "DISABLE_OPERATOR", "value": "false" }), "not-installed", "none", 1),
    ] {
        let container = json!({ "name": "meshery", "image": "meshery/meshery:v1.0.20", "env": [variable] });
        apply(&bed, workload("Deployment", "meshery", &container)).await?;
        bed::until("the server to be ready", Duration::from_secs(20), || async {
            let live = rest::get(&client, &path).await?;
            let is_observed = live["status"]["observedGeneration"] == live["metadata"]["generation"];
            Ok((is_observed && live["status"]["updatedReplicas"] == 1 && live["status"]["readyReplicas"] == 1)
                .then_some(()))
        })
        .await?;
        let ran = at(&bed, namespace, "system check -o json").run_beside().await;
        let report = ran.json();
        assert_eq!(ran.code, code, "{variable}: {report:#}");
        assert_eq!(report["verdict"], verdict, "{variable}");
        assert_eq!(report["target"]["mode"], mode, "{variable}");
        for component in ["operator", "broker", "meshsync"] {
            let needless = report["components"][component]["expectedAbsent"] == true;
            assert_eq!(needless, mode == "embedded", "{variable}: {report:#}");
        }
        rest::delete(&client, &path).await?;
        bed::until("the server to be deleted", Duration::from_secs(20), || async {
            Ok(rest::get(&client, &path).await.is_err().then_some(()))
        })
        .await?;
    }
    Ok(())
}
