//! A stand-in as a server in the cluster: its Service, its Deployment, and the pod whose port leads to it.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::standin::StandIn;
use crate::bed::{self, Lease, rest, rest::BED};

/// Installs the server in the namespace of the bed, and waits for its pod. Once more, the pod leads to this stand-in.
pub(crate) async fn install(bed: &Lease, standin: &StandIn) -> Result<()> {
    install_as(bed, "meshery", standin.port()).await
}

/// Installs a Deployment of this name with a Service like the server's, whose pod leads to this port.
pub(crate) async fn install_as(bed: &Lease, name: &str, port: u16) -> Result<()> {
    let template = include_str!("../../bed/manifests/meshery-server.yaml");
    let image = "meshery/meshery:stable-v0.8.150";
    let text = template.replace("${name}", name).replace("${ns}", bed.namespace()).replace("${image}", image);
    bed.apply_yaml(&text).await?;
    let client = bed.client().await?;
    let selector = format!("labelSelector=app.kubernetes.io/name%3D{name}");
    let pods = format!("{}?{selector}", rest::collection("v1", "Pod", Some(bed.namespace())));
    let pod = bed::until("the server's pod to be ready", Duration::from_secs(30), || async {
        let pods = rest::list(&client, &pods).await?;
        let is_ready = |pod: &&Value| {
            let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        let ready = pods.iter().find(is_ready);
        Ok(ready.and_then(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned))
    })
    .await?;
    let forward = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward",
        "metadata": { "name": pod, "namespace": bed.namespace() },
        "spec": { "forwards": [{
            "ports": [8080],
            "target": { "address": "127.0.0.1", "port": port },
        }] },
    });
    bed.apply(BED, &[forward]).await?;
    Ok(())
}
