//! Creates many idle pods in other namespaces. A scheduling gate keeps them pending.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::bed;

const NAMESPACES: usize = 10;
const CONCURRENCY: usize = 100;

/// Creates this number of pods.
pub(crate) async fn create(cluster: &bed::Cluster, pods: usize) -> Result<()> {
    for number in 0..NAMESPACES {
        cluster.create_namespace(&format!("elsewhere-{number}")).await?;
    }
    let client = &cluster.client().await?;
    let requests = (0..pods).map(|number| async move {
        let namespace = format!("elsewhere-{}", number % NAMESPACES);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("idle-{number}"), "namespace": namespace, "labels": {"app": "idle"}},
            "spec": {
                "schedulingGates": [{"name": "example.com/never"}],
                "containers": [{"name": "idle", "image": "example.com/idle:1"}],
            },
        });
        let path = bed::rest::collection("v1", "Pod", Some(&namespace));
        bed::rest::post(client, &path, &pod).await.map(drop)
    });
    stream::iter(requests).buffer_unordered(CONCURRENCY).try_collect().await
}
