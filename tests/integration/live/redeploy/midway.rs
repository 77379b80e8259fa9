//! Errors in the middle of a run: the report shows what is done and what is not, and the same command continues.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{OPERATOR, assert_healthy, empty_with_controller, redeploy};
use crate::{
    bed::{
        self, Lease, Line, Stack,
        rest::{self, Writer},
        users,
    },
    fault_proxy::{Action, Fault, FaultProxy},
    live::at,
    tool::{Ran, meshdoctor},
};

/// Runs the command through a proxy.
async fn run_through(proxy: &FaultProxy, namespace: &str, command: &str) -> Result<Ran> {
    proxy.run(meshdoctor(command).arg("-n").arg(namespace)).await
}

const REDEPLOY: &str = "system redeploy --yes --no-wait --wait 60s";
const RESET: &str = "system reset stack --yes --no-backup --wait 60s";

/// Fails unless the run stopped midway and reports it. Returns the reason.
#[track_caller]
fn assert_stopped(ran: Ran) -> String {
    let report = ran.exits(5).json();
    assert_eq!(report["outcome"], "partial", "{report:#}");
    let steps = report["steps"].as_array().cloned().unwrap_or_default();
    let done = steps.iter().take_while(|step| step["done"] == true).count();
    assert!(0 < done && done < steps.len(), "{report:#}");
    assert!(steps[done..].iter().all(|step| step["done"] == false), "{report:#}");
    report["reason"].as_str().unwrap_or_default().to_owned()
}

/// Applies a user's permissions as the program prints them. Returns the paths of the bindings.
async fn grant(bed: &Lease, command: &str, user: &str) -> Result<Vec<String>> {
    let printed = at(bed, bed.namespace(), &format!("rbac {command} --to-user {user}")).run_beside().await.exits(0);
    let objects = bed.apply_yaml(&printed.stdout).await?;
    let bindings = objects
        .iter()
        .filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Binding")))
        .map(rest::path_of)
        .collect::<Result<Vec<_>>>()?;
    bed.until_allowed(user, PERMISSION, true).await?;
    Ok(bindings)
}

/// A permission that both commands need and that only these bindings grant.
const PERMISSION: &str = "patch clusterrolebindings.rbac.authorization.k8s.io/meshery-operator-rolebinding";

/// Removes these bindings.
fn revoke(bed: &Lease, user: &str, bindings: &[String]) -> Action {
    let (cluster, user, bindings) = (bed.cluster().clone(), user.to_owned(), bindings.to_owned());
    Action::Meanwhile(Arc::new(move || {
        let (cluster, user, bindings) = (cluster.clone(), user.clone(), bindings.clone());
        async move {
            let client = cluster.client().await?;
            for binding in &bindings {
                rest::delete(&client, binding).await?;
            }
            cluster.until_allowed(&user, PERMISSION, false).await
        }
        .boxed()
    }))
}

#[tokio::test]
async fn revoked_permission_stops_a_redeploy() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _controller = empty_with_controller(&bed, namespace).await?;
    let user = bed.user()?;
    let bindings = grant(&bed, "redeploy", &user).await?;
    let proxy = FaultProxy::start(&bed, &user, Fault::after_write(6, revoke(&bed, &user, &bindings)))?;
    let reason = assert_stopped(run_through(&proxy, namespace, &format!("{REDEPLOY} -o json")).await?);
    assert!(reason.contains("forbidden") && reason.contains(&user), "{reason}");
    // Now the missing permission is found before the first change.
    let before = proxy.writes();
    let refused = run_through(&proxy, namespace, &format!("{REDEPLOY} -o json")).await?;
    let refused = refused.exits(4).json();
    assert!(refused["instead"].to_string().contains("rbac redeploy"), "{refused:#}");
    assert_eq!(proxy.writes(), before);
    grant(&bed, "redeploy", &user).await?;
    run_through(&proxy, namespace, REDEPLOY).await?.exits(0);
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn revoked_permission_stops_a_reset() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let setup = Stack::of(Line::Current).namespace(namespace);
    let _controller = setup.start_with_controller(&bed).await?;
    let user = bed.user()?;
    let bindings = grant(&bed, "reset", &user).await?;
    let proxy = FaultProxy::start(&bed, &user, Fault::after_write(4, revoke(&bed, &user, &bindings)))?;
    let ran = run_through(&proxy, namespace, &format!("{RESET} -o json")).await?;
    let reason = assert_stopped(ran);
    assert!(reason.contains("forbidden") && reason.contains(&user), "{reason}");
    let before = proxy.writes();
    let refused = run_through(&proxy, namespace, RESET).await?.exits(4);
    assert!(refused.stdout.contains("rbac reset"), "{}", refused.stdout);
    assert_eq!(proxy.writes(), before);
    grant(&bed, "reset", &user).await?;
    run_through(&proxy, namespace, RESET).await?.exits(0);
    let client = bed.client().await?;
    let account = rest::path("v1", "ServiceAccount", namespace, OPERATOR);
    assert!(rest::get(&client, &account).await.is_err());
    Ok(())
}

#[tokio::test]
async fn concurrent_installation_stops_a_redeploy() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _controller = empty_with_controller(&bed, namespace).await?;
    let manifests = at(&bed, namespace, "manifests -o json").run_beside().await;
    let mut operator = manifests.exits(0).json()["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|object| object["kind"] == "Deployment")
        .cloned()
        .context("a Deployment")?;
    operator["spec"]["template"]["spec"]["containers"][0]["image"] = "meshery/meshery-operator:1.0.4".into();
    let cluster = bed.cluster().clone();
    let meanwhile = Action::Meanwhile(Arc::new(move || {
        let (cluster, operator) = (cluster.clone(), operator.clone());
        async move {
            rest::write(&cluster.client().await?, Writer::Kubectl, &operator).await?;
            Ok(())
        }
        .boxed()
    }));
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::after_write(6, meanwhile))?;
    let ran = run_through(&proxy, namespace, REDEPLOY).await?.exits(5);
    for words in
        ["conflict with \"kubectl-client-side-apply\"", "Stopped at step", "Run the same command again to continue."]
    {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    redeploy(&bed, namespace, "").await.exits(0);
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn object_recreated_meanwhile_is_not_removed_unchecked() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let setup = Stack::of(Line::Current).namespace(namespace);
    let _controller = setup.start_with_controller(&bed).await?;
    let account = rest::path("v1", "ServiceAccount", namespace, OPERATOR);
    let (cluster, path) = (bed.cluster().clone(), account.clone());
    let recreated = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": { "name": OPERATOR, "namespace": namespace },
    });
    let meanwhile = Action::Meanwhile(Arc::new(move || {
        let (cluster, path, recreated) = (cluster.clone(), path.clone(), recreated.clone());
        async move {
            let client = cluster.client().await?;
            rest::delete(&client, &path).await?;
            rest::write(&client, Writer::Kubectl, &recreated).await?;
            Ok(())
        }
        .boxed()
    }));
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::after_write(4, meanwhile))?;
    let reason = assert_stopped(run_through(&proxy, namespace, &format!("{RESET} -o json")).await?);
    assert!(reason.contains("was replaced by another object"), "{reason}");
    let client = bed.client().await?;
    rest::get(&client, &account).await?;
    run_through(&proxy, namespace, RESET).await?.exits(0);
    assert!(rest::get(&client, &account).await.is_err());
    Ok(())
}

#[tokio::test]
async fn lost_connection_stops_a_redeploy() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _controller = empty_with_controller(&bed, namespace).await?;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::after_write(6, Action::ShutDown))?;
    let ran = run_through(&proxy, namespace, &format!("{REDEPLOY} -o json")).await?;
    let report: Value = ran.json();
    let reason = assert_stopped(ran);
    assert!(!reason.is_empty(), "{report:#}");
    // No server answers anymore, which is not the same as a refusal.
    let ran = run_through(&proxy, namespace, REDEPLOY).await?.exits(3);
    assert!(ran.stdout.contains("Nothing was changed"), "{}", ran.stdout);
    redeploy(&bed, namespace, "").await.exits(0);
    assert_healthy(&bed, namespace).await
}
