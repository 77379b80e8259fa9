//! The stack in the situations of the recordings, live.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, bail};

use super::cluster::Cluster;
use super::line::Line;
use super::stack::Stack;

/// A situation: how it is brought about, and what is true of it.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// What it is called, also on the command line.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// The states of operator, MeshSync and broker that a diagnosis must find.
    pub states: &'static str,
    /// The root causes that a diagnosis must find, in order; mere information is none.
    pub causes: &'static str,
}

/// Every situation.
pub const ALL: &[Situation] = &[
    Situation {
        name: "healthy",
        summary: "all up, MeshSync connected and allowed to read",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "",
    },
    Situation {
        name: "running-not-connected",
        summary: "MeshSync's pod is ready and nobody is connected to the broker",
        states: "DEPLOYED/RUNNING/DEPLOYED",
        causes: "meshsync-not-connected",
    },
    Situation {
        name: "orphaned-no-operator",
        summary: "the operator's Deployment is deleted, the rest lives on",
        states: "NOTDEPLOYED/CONNECTED/DEPLOYED",
        causes: "operator-missing",
    },
    Situation {
        name: "stuck-terminating",
        summary: "no operator, and both custom resources deleted: their finalizers hang",
        states: "NOTDEPLOYED/CONNECTED/DEPLOYED",
        causes: "cr-stuck-terminating",
    },
    Situation {
        name: "undeployed-crs-absent",
        summary: "the operator is alive, the custom resources are properly deleted",
        states: "DEPLOYED/UNDEPLOYED/UNDEPLOYED",
        causes: "cr-missing cr-missing",
    },
    Situation {
        name: "three-brokers-lb-pending-bad-watchlist",
        summary: "three brokers, no external address, a watch-list that is not JSON",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        // The list is bad, and in the test's namespace it is not even read.
        causes: "broker-split watch-list-invalid cr-unexpected-name broker-external-pending",
    },
    Situation {
        name: "meshsync-crashloop",
        summary: "MeshSync's container restarts again and again",
        states: "DEPLOYED/DEPLOYED/DEPLOYED",
        causes: "meshsync-crash-loop",
    },
    Situation {
        name: "nothing-installed",
        summary: "an empty namespace, no definitions",
        states: "NOTDEPLOYED/UNDEPLOYED/UNDEPLOYED",
        causes: "not-installed",
    },
    Situation {
        name: "old-line-connected",
        summary: "the old operator line, connected",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "crd-outdated broker-unauthenticated over-privileged moving-tag operator-old-line broker-endpoint-stale",
    },
    Situation {
        name: "connected-but-blind-rbac",
        summary: "the released manifests as they are: MeshSync may not read what it watches",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "meshsync-cannot-list",
    },
    Situation {
        name: "upgraded-in-place",
        summary: "the old line with the current one installed over it",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "two-generations watch-list-empty over-privileged",
    },
    Situation {
        name: "meshplay",
        summary: "Meshplay, connected",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "crd-outdated broker-unauthenticated over-privileged moving-tag broker-endpoint-stale",
    },
];

impl Situation {
    /// The profile of its stack.
    pub fn profile(&self) -> &'static str {
        if self.name == "meshplay" { "meshplay" } else { "meshery" }
    }
}

/// The situation of this name, or an error with the names that there are.
pub fn named(name: &str) -> Result<&'static Situation> {
    ALL.iter().find(|situation| situation.name == name).with_context(|| {
        let all: Vec<_> = ALL.iter().map(|situation| situation.name).collect();
        format!("no state is called {name}; there are: {}", all.join(", "))
    })
}

/// Brings a situation about in a namespace that exists. There is no stack where nothing is installed.
pub async fn apply(name: &str, cluster: &Cluster, namespace: &str) -> Result<Option<Stack>> {
    named(name)?;
    let current = || Stack::of(Line::Current).namespace(namespace);
    let old = |line| Stack::of(line).namespace(namespace).ingress(Ipv4Addr::new(127, 0, 0, 2));
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
            let setup = current().brokers(3).service_type("LoadBalancer").whitelist("not json");
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
            let older = Stack::of(Line::Old).namespace(namespace).start(cluster).await?;
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
