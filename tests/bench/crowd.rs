//! Pods elsewhere: many, in other namespaces, which no scheduler ever looks at.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::bed;

const NAMESPACES: usize = 10;
const AT_ONCE: usize = 100;

/// Makes so many pods.
pub(crate) async fn make(cluster: &bed::Cluster, pods: usize) -> Result<()> {
    for number in 0..NAMESPACES {
        cluster.create_namespace(&format!("elsewhere-{number}")).await?;
    }
    let client = &cluster.client().await?;
    let made = (0..pods).map(|number| async move {
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
    stream::iter(made).buffer_unordered(AT_ONCE).try_collect().await
}
