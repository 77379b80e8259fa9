//! The stack in the situations of the recordings, live.

use std::net::Ipv4Addr;

use anyhow::{Result, bail, ensure};

use super::cluster::Cluster;
use super::line::Line;
use super::stack::Stack;

/// A situation and what it is.
pub const ALL: [(&str, &str); 12] = [
    ("healthy", "all up, MeshSync connected and allowed to read"),
    (
        "running-not-connected",
        "MeshSync's pod is ready and nobody is connected to the broker",
    ),
    (
        "orphaned-no-operator",
        "the operator's Deployment is deleted, the rest lives on",
    ),
    (
        "stuck-terminating",
        "no operator, and both custom resources deleted: their finalizers hang",
    ),
    (
        "undeployed-crs-absent",
        "the operator is alive, the custom resources are properly deleted",
    ),
    (
        "three-brokers-lb-pending-bad-watchlist",
        "three brokers, no external address, a watch-list that is not JSON",
    ),
    (
        "meshsync-crashloop",
        "MeshSync's container restarts again and again",
    ),
    ("nothing-installed", "an empty namespace, no definitions"),
    ("old-line-connected", "the old operator line, connected"),
    (
        "connected-but-blind-rbac",
        "the released manifests as they are: MeshSync may not read what it watches",
    ),
    (
        "upgraded-in-place",
        "the old line with the current one installed over it",
    ),
    ("meshplay", "Meshplay, connected"),
];

/// The namespace in which a situation is at home.
pub fn home(name: &str) -> &'static str {
    if name == "meshplay" {
        "meshplay"
    } else {
        "meshery"
    }
}

/// An error, with the names that there are, when no situation has this name.
pub fn check(name: &str) -> Result<()> {
    let all = ALL.map(|(name, _)| name);
    ensure!(
        all.contains(&name),
        "no state is called {name}; there are: {}",
        all.join(", ")
    );
    Ok(())
}

/// Brings a situation about in a namespace that exists. There is no stack where nothing is installed.
pub async fn apply(name: &str, cluster: &Cluster, namespace: &str) -> Result<Option<Stack>> {
    check(name)?;
    let current = || Stack::of(Line::Current).namespace(namespace);
    let old = |line| {
        Stack::of(line)
            .namespace(namespace)
            .ingress(Ipv4Addr::new(127, 0, 0, 2))
    };
    let stack = match name {
        "healthy" => connected(current().start(cluster).await?, 0).await?,
        "running-not-connected" => current().start(cluster).await?,
        "orphaned-no-operator" => {
            let mut stack = connected(current().start(cluster).await?, 0).await?;
            stack.delete_operator().await?;
            stack
        }
        "stuck-terminating" => {
            let mut stack = connected(current().start(cluster).await?, 0).await?;
            stack.delete_operator().await?;
            stack.delete_custom_resources().await?;
            stack
        }
        "undeployed-crs-absent" => {
            let mut stack = current().start(cluster).await?;
            stack.undeploy().await?;
            stack
        }
        "three-brokers-lb-pending-bad-watchlist" => {
            let setup = current()
                .brokers(3)
                .service_type("LoadBalancer")
                .whitelist("not json");
            connected(setup.start(cluster).await?, 1).await?
        }
        "meshsync-crashloop" => {
            let stack = current().start(cluster).await?;
            stack.set_crash_loop("meshsync", 7, 1).await?;
            stack
        }
        "nothing-installed" => {
            cluster.ensure_no_crds(&cluster.client().await?).await?;
            return Ok(None);
        }
        "old-line-connected" => connected(old(Line::Old).start(cluster).await?, 0).await?,
        "meshplay" => connected(old(Line::Meshplay).start(cluster).await?, 0).await?,
        "connected-but-blind-rbac" => connected(current().stock().start(cluster).await?, 0).await?,
        "upgraded-in-place" => {
            let older = Stack::of(Line::Old)
                .namespace(namespace)
                .start(cluster)
                .await?;
            connected(current().stock().upgrade(older).await?, 0).await?
        }
        _ => bail!("the state {name} is listed and not written"),
    };
    Ok(Some(stack))
}

async fn connected(mut stack: Stack, broker: usize) -> Result<Stack> {
    let meshsync = stack.meshsync(broker).await?;
    stack.keep(meshsync);
    Ok(stack)
}
