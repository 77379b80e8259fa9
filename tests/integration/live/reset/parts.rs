//! Resets of single parts, also killed after a write: the same command completes them, and the other parts stay.

use anyhow::{Context as _, Result};

use super::{assert_ended, reset, reset_tool};
use crate::{
    bed::{self, Lease, Line, Stack, rest},
    fault_proxy::{Action, Fault, FaultProxy},
    live::listing::get_if_exists,
};

/// An object of the stack, as its path.
fn path(namespace: &str, what: &str) -> String {
    let (api_version, kind, name) = match what {
        "operator" => ("apps/v1", "Deployment", "meshery-operator"),
        "broker" => ("apps/v1", "StatefulSet", "meshery-nats"),
        "broker's service" => ("v1", "Service", "meshery-nats"),
        "meshsync" => ("apps/v1", "Deployment", "meshery-meshsync"),
        "Broker" => ("meshery.io/v1alpha1", "Broker", "meshery-broker"),
        "MeshSync" => ("meshery.io/v1alpha1", "MeshSync", "meshery-meshsync"),
        "account" => ("v1", "ServiceAccount", "meshery-operator"),
        other => panic!("no object {other}"),
    };
    rest::path(api_version, kind, namespace, name)
}

/// Removes a part of a fresh stack, killed after each of these writes and once uninterrupted; then it is gone and the
/// rest stays.
async fn removes(bed: &Lease, arguments: &str, writes: [usize; 3], gone: &[&str], stays: &[&str]) -> Result<()> {
    let namespace = bed.namespace();
    let client = bed.client().await?;
    let arguments = format!("{arguments} --yes --no-backup");
    for after in writes {
        let controller = Stack::of(Line::Current).namespace(namespace).start_with_controller(bed).await?;
        let fault = Fault::after_write(after, Action::Signal("KILL"));
        let proxy = FaultProxy::start(bed, bed::users::ADMIN, fault)?;
        let tool = reset_tool(bed, namespace, &arguments).kubeconfig(&proxy.kubeconfig);
        let ran = proxy.run(tool).await?;
        assert!(proxy.has_injected(), "fewer than {after} writes: {:#?}", proxy.written());
        assert_eq!(ran.code, -1, "{ran:?}");
        let outcome = reset(bed, namespace, &arguments).await;
        assert_eq!(outcome.0, 0, "killed after write {after}: {:#}", outcome.1);
        for what in gone {
            let left = get_if_exists(&client, &path(namespace, what)).await;
            assert!(left.is_none(), "killed after write {after}: {left:#?}");
        }
        for what in stays {
            let live = get_if_exists(&client, &path(namespace, what)).await;
            let live = live.with_context(|| format!("killed after write {after}: {what} is gone"))?;
            assert!(live["metadata"]["deletionTimestamp"].is_null(), "killed after write {after}: {live:#}");
        }
        assert_ended(&reset(bed, namespace, &arguments).await, 0, "unchanged");
        // The rest, so that the next round starts with a new stack.
        let rest = reset(bed, namespace, "stack --yes --no-backup --clear-finalizers").await;
        assert_ended(&rest, 0, "done");
        drop(controller);
    }
    Ok(())
}

#[tokio::test]
async fn reset_broker_killed_after_a_write_is_completed_by_the_same_command() -> Result<()> {
    let bed = bed::lease().await?;
    let gone = ["Broker", "broker", "broker's service"];
    removes(&bed, "broker", [1, 2, 4], &gone, &["operator", "MeshSync", "meshsync", "account"]).await
}

#[tokio::test]
async fn reset_meshsync_killed_after_a_write_is_completed_by_the_same_command() -> Result<()> {
    let bed = bed::lease().await?;
    let stays = ["operator", "Broker", "broker", "broker's service", "account"];
    removes(&bed, "meshsync", [1, 2, 3], &["MeshSync", "meshsync"], &stays).await
}

#[tokio::test]
async fn reset_operator_killed_after_a_write_is_completed_and_keeps_custom_resources_and_workloads() -> Result<()> {
    let bed = bed::lease().await?;
    let stays = ["Broker", "MeshSync", "broker", "broker's service", "meshsync", "account"];
    removes(&bed, "operator --keep-crs", [1, 2, 4], &["operator"], &stays).await
}
