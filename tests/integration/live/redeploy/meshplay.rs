//! The Meshplay profile: from an empty cluster to a working stack with its own names, and back.

use anyhow::Result;
use kube::Client;
use serde_json::Value;

use crate::{
    bed::{self, Lease, Line, rest},
    live::{
        at,
        listing::{settled, until_as_before},
    },
    tool::{Ran, states},
};

async fn run(bed: &Lease, arguments: &str) -> Ran {
    let arguments = format!("{arguments} --profile meshplay -o json");
    at(bed, bed.namespace(), &arguments).run_beside().await
}

/// The names of the workloads in the namespace.
async fn workloads(client: &Client, namespace: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for kind in ["Deployment", "StatefulSet"] {
        let path = rest::collection("apps/v1", kind, Some(namespace));
        let items = rest::list(client, &path).await?;
        names.extend(items.iter().filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)));
    }
    Ok(names)
}

#[tokio::test]
async fn meshplay_is_installed_and_removed_completely() -> Result<()> {
    let bed = bed::private().await?;
    let client = bed.client().await?;
    let before = settled(&client).await?;
    let controller = bed.start_controller_of(Line::Meshplay, bed.namespace())?;
    let done = run(&bed, "system redeploy --yes --wait 60s").await.exits(0);
    assert_eq!(done.json()["outcome"], "done", "{}", done.stdout);
    controller.until_connected().await?;
    assert_eq!(
        workloads(&client, bed.namespace()).await?,
        ["meshplay-meshsync", "meshplay-operator", "meshplay-broker"]
    );
    let report = run(&bed, "system check").await.json();
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED", "{report:#}");
    // The old operator line is open to everyone who can reach it, and it has no address until someone sets one.
    let errors: Vec<&str> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["severity"] == "error")
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert_eq!(errors, ["broker-unauthenticated"], "{report:#}");
    let again = run(&bed, "system redeploy --yes").await.exits(1).json();
    assert_eq!(again["outcome"], "unchanged", "{again:#}");
    assert!(again["reason"].to_string().contains("broker-unauthenticated"), "{again:#}");

    let gone = run(&bed, "system reset stack --crds --yes --no-backup --wait 60s").await;
    let gone: Value = gone.exits(0).json();
    assert_eq!(gone["outcome"], "done", "{gone:#}");
    drop(controller);
    let forwards = rest::collection("kwok.x-k8s.io/v1alpha1", "PortForward", Some(bed.namespace()));
    rest::delete(&client, &forwards).await?;
    until_as_before(&client, &before).await
}
