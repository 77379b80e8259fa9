//! Faults of a Meshplay stack that is found without a flag: the states, and the root cause that must be among the others.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::check;
use crate::{
    bed::{self, Lease, Line, Stack, rest},
    tool::{roots, states},
};

/// The fault, the states, and the root cause.
const FAULTS: &[(&str, &str, &str)] = &[
    ("the operator is deleted", "NOTDEPLOYED/CONNECTED/DEPLOYED", "operator-missing"),
    ("the operator has no replicas", "DEPLOYING/CONNECTED/DEPLOYED", "operator-scaled-to-zero"),
    ("the operator crashes", "DEPLOYING/CONNECTED/DEPLOYED", "operator-crash-loop"),
    ("the custom resources are deleted", "DEPLOYED/UNDEPLOYED/UNDEPLOYED", "cr-missing"),
    ("MeshSync is not connected", "DEPLOYED/RUNNING/DEPLOYED", "meshsync-not-connected"),
    ("MeshSync crashes", "DEPLOYED/DEPLOYED/DEPLOYED", "meshsync-crash-loop"),
    ("MeshSync has no replicas", "DEPLOYED/DEPLOYED/DEPLOYED", "meshsync-scaled-to-zero"),
    ("MeshSync's Deployment is deleted", "DEPLOYED/ENABLED/DEPLOYED", "meshsync-no-workload"),
    ("the broker's StatefulSet is deleted", "DEPLOYED/RUNNING/DEPLOYED", "broker-no-workload"),
    ("the broker crashes", "DEPLOYED/RUNNING/DEPLOYED", "broker-crash-loop"),
    ("the broker's Service is deleted", "DEPLOYED/CONNECTED/DEPLOYED", "broker-no-endpoints"),
    ("MeshSync's new pod has no host port", "DEPLOYED/CONNECTED/DEPLOYED", "meshsync-unschedulable"),
    ("MeshSync may not list anything", "DEPLOYED/CONNECTED/DEPLOYED", "meshsync-cannot-list"),
];

async fn make(fault: &str, bed: &Lease, stack: &mut Stack) -> Result<()> {
    let client = stack.client.clone();
    let apps = |kind: &str, name: &str| stack.path("apps/v1", kind, name);
    let (operator, meshsync) = (apps("Deployment", "meshplay-operator"), apps("Deployment", "meshplay-meshsync"));
    let broker = apps("StatefulSet", "meshplay-broker");
    let none = json!({ "spec": { "replicas": 0 } });
    match fault {
        "the operator is deleted" => rest::delete(&client, &operator).await?,
        "the operator has no replicas" => drop(rest::merge(&client, &operator, &none).await?),
        "the operator crashes" => drop(stack.set_crash_loop("operator", 5, 1).await?),
        "the custom resources are deleted" => stack.undeploy().await?,
        "MeshSync is not connected" => stack.disconnect_kept(),
        "MeshSync crashes" => drop(stack.set_crash_loop("meshsync", 7, 1).await?),
        "MeshSync has no replicas" => drop(rest::merge(&client, &meshsync, &none).await?),
        "MeshSync's Deployment is deleted" => rest::delete(&client, &meshsync).await?,
        "the broker's StatefulSet is deleted" => rest::delete(&client, &broker).await?,
        "the broker crashes" => drop(stack.set_crash_loop("broker", 5, 1).await?),
        "the broker's Service is deleted" => {
            rest::delete(&client, &stack.path("v1", "Service", "meshplay-broker")).await?;
        }
        // The old pod keeps the port of the only node.
        "MeshSync's new pod has no host port" => {
            let mut deployment = rest::get(&client, &meshsync).await?;
            let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
            container["env"] = json!([{ "name": "BROKER_URL", "value": "198.51.100.77:4222" }]);
            let containers = &deployment["spec"]["template"]["spec"]["containers"];
            let patch = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
            rest::merge(&client, &meshsync, &patch).await?;
        }
        "MeshSync may not list anything" => {
            for binding in ["meshplay-controller-rolebinding", "meshplay-operator-rolebinding"] {
                let path = rest::path("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", binding);
                rest::delete(&client, &path).await?;
            }
        }
        other => bail!("no fault {other} in {}", bed.namespace()),
    }
    Ok(())
}

/// Makes each of these faults in a stack of its own.
async fn assert_found(faults: &[(&str, &str, &str)]) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let mut wrong = Vec::new();
    for (fault, expected, code) in faults {
        let bed = bed::lease().await?;
        let mut stack = Stack::of(Line::Meshplay).namespace(bed.namespace()).start(&bed).await?;
        let meshsync = stack.meshsync(0).await?;
        stack.keep(meshsync);
        make(fault, &bed, &mut stack).await?;
        let begun = Instant::now();
        loop {
            let report = check(&bed, bed.namespace()).await;
            assert_eq!(report["target"]["profile"], "meshplay", "{fault}");
            let (states, roots) = (states(&report), roots(&report));
            if states == *expected && roots.iter().any(|root| root.starts_with(code)) {
                break;
            }
            if begun.elapsed() >= PATIENCE {
                wrong.push(format!("{fault}: {states}, not {expected}; {roots:?}, not {code}"));
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
#[ignore = "starts a stack for each fault: tests/run --exhaustive"]
async fn faults_of_meshplay_are_found() -> Result<()> {
    assert_found(FAULTS).await
}
