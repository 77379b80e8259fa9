//! Faults of a Meshplay stack that is found without a flag: the states, and the root cause that must be among the others.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::{at, check, until_checked};
use crate::{
    bed::{self, FakeController, Lease, Line, Stack, rest},
    tool::{roots, states},
};

/// How long a fault may take to be found.
const FOUND_WITHIN: Duration = Duration::from_secs(40);

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

/// Waits until this is a root cause.
async fn until_root(bed: &Lease, code: &str) -> Result<()> {
    until_checked(code, FOUND_WITHIN, || async {
        let report = check(bed, bed.namespace()).await;
        Ok(roots(&report).iter().any(|root| root == code).then_some(()))
    })
    .await
}

/// A stack whose operator reacts to changes, with a connected MeshSync.
async fn reacting(bed: &Lease) -> Result<(Stack, FakeController)> {
    let mut stack = Stack::of(Line::Meshplay).namespace(bed.namespace()).start(bed).await?;
    let controller = stack.start_own_controller()?;
    controller.until_connected().await?;
    Ok((stack, controller))
}

#[tokio::test]
async fn address_with_a_scheme_is_corrected_by_a_new_deployment() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _controller) = reacting(&bed).await?;
    let path = stack.path("apps/v1", "Deployment", "meshplay-meshsync");
    let mut deployment = rest::get(&stack.client, &path).await?;
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    let address = container["env"][0]["value"].as_str().unwrap_or_default().to_owned();
    container["env"][0]["value"] = format!("nats://{address}").into();
    let containers = &deployment["spec"]["template"]["spec"]["containers"];
    let patch = json!({ "spec": {
        "strategy": { "type": "Recreate", "rollingUpdate": null },
        "template": { "spec": { "containers": containers } },
    } });
    rest::merge(&stack.client, &path, &patch).await?;
    until_root(&bed, "meshsync-not-connected").await?;

    let plan = at(&bed, bed.namespace(), "system redeploy meshsync --profile meshplay --dry-run --force-conflicts");
    let plan = plan.run_beside().await.exits(0);
    assert!(!plan.stdout.contains("restart"), "{}", plan.stdout);
    let fix = "check --fix=review --yes --wait 60s -o json --only meshsync-not-connected";
    let fixed = at(&bed, bed.namespace(), fix).run_beside().await.json();
    let fixes = fixed["fixes"].as_array().expect("fixes");
    let fix = fixes.iter().find(|fix| fix["code"] == "meshsync-not-connected").expect("the fix");
    assert_eq!(fix["fixed"], true, "{fixes:#?}");
    let deployment = rest::get(&stack.client, &path).await?;
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"][0];
    assert_eq!(env["value"], address.as_str(), "{env:#}");
    Ok(())
}

#[tokio::test]
async fn recreated_broker_has_another_address_which_redeploy_passes_on() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _controller) = reacting(&bed).await?;
    let path = stack.custom_path("Broker");
    let mut broker = rest::get(&stack.client, &path).await?;
    rest::delete(&stack.client, &path).await?;
    // As the garbage collector does, which learns of a new CRD only after half a minute.
    for (api_version, kind, name) in [
        ("apps/v1", "StatefulSet", "meshplay-broker"),
        ("v1", "Service", "meshplay-broker"),
        ("v1", "ConfigMap", "meshplay-nats-config"),
        ("v1", "ConfigMap", "meshplay-nats-accounts"),
    ] {
        rest::delete(&stack.client, &stack.path(api_version, kind, name)).await?;
    }
    broker["metadata"] = json!({ "name": "meshplay-broker", "labels": broker["metadata"]["labels"] });
    broker.as_object_mut().map(|broker| broker.remove("status"));
    let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
    rest::post(&stack.client, collection, &broker).await?;
    until_root(&bed, "meshsync-stale-env").await?;

    let redeploy = "system redeploy --profile meshplay --yes --force-conflicts --wait 60s -o json";
    let done = at(&bed, bed.namespace(), redeploy).run_beside().await.exits(0).json();
    assert_eq!(done["verified"], "MeshSync CONNECTED", "{done:#}");
    let steps = done["steps"].as_array().expect("steps");
    let deleted = |step: &&Value| step["action"] == "delete" && step["name"] == "meshplay-meshsync";
    assert!(steps.iter().any(|step| deleted(&step)), "{steps:#?}");
    Ok(())
}
