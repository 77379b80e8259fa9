//! The situations of the recordings, on a live stack, and a working stack to try the program on.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::future;
use kube::Client;

use meshdoctor::stack::manifests::{self, FIELD_MANAGER, manifests};
use meshdoctor::stack::profile;

use super::cluster::Cluster;
use super::fake_controller::FakeController;
use super::line::Line;
use super::rest::{self, Writer};
use super::stack::Stack;
use super::{crds, real, wait};

/// A situation of the stack, with the expected diagnosis.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The name, also on the command line.
    pub name: &'static str,
    /// A description.
    pub summary: &'static str,
    /// The states that the diagnosis must report: operator, MeshSync, broker.
    pub states: &'static str,
    /// The root causes that the diagnosis must report, in this order, without findings of severity info.
    pub causes: &'static str,
}

/// All situations.
pub const ALL: &[Situation] = &[
    Situation {
        name: "healthy",
        summary: "everything is ready, MeshSync is connected and can read",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "",
    },
    Situation {
        name: "running-not-connected",
        summary: "MeshSync's pod is ready but no client is connected to the broker",
        states: "DEPLOYED/RUNNING/DEPLOYED",
        causes: "meshsync-not-connected",
    },
    Situation {
        name: "orphaned-no-operator",
        summary: "the operator's Deployment is deleted, everything else still runs",
        states: "NOTDEPLOYED/CONNECTED/DEPLOYED",
        causes: "operator-missing",
    },
    Situation {
        name: "stuck-terminating",
        summary: "no operator, and both custom resources are stuck terminating",
        states: "NOTDEPLOYED/CONNECTED/DEPLOYED",
        causes: "cr-stuck-terminating",
    },
    Situation {
        name: "undeployed-crs-absent",
        summary: "the operator is running, the custom resources are deleted",
        states: "DEPLOYED/UNDEPLOYED/UNDEPLOYED",
        causes: "cr-missing cr-missing",
    },
    Situation {
        name: "three-brokers-lb-pending-bad-watchlist",
        summary: "three brokers, no external address, a watch-list that is not JSON",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        // The watch-list is invalid, and in the test's namespace MeshSync does not read it.
        causes: "broker-split watch-list-invalid cr-unexpected-name broker-external-pending",
    },
    Situation {
        name: "meshsync-crashloop",
        summary: "MeshSync's container is in CrashLoopBackOff",
        states: "DEPLOYED/DEPLOYED/DEPLOYED",
        causes: "meshsync-crash-loop",
    },
    Situation {
        name: "nothing-installed",
        summary: "an empty namespace, no CRDs",
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
        summary: "the unchanged released manifests: MeshSync cannot list what it watches",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "meshsync-cannot-list",
    },
    Situation {
        name: "upgraded-in-place",
        summary: "the old operator line with the current one installed over it",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "two-generations watch-list-empty over-privileged",
    },
    Situation {
        name: "meshplay",
        summary: "Meshplay, connected",
        states: "DEPLOYED/CONNECTED/DEPLOYED",
        causes: "crd-outdated broker-unauthenticated over-privileged moving-tag operator-reconcile-failing",
    },
];

impl Situation {
    /// The profile of the stack.
    pub fn profile(&self) -> &'static str {
        if self.name == "meshplay" { "meshplay" } else { "meshery" }
    }
}

/// The situation with this name, or an error that lists all names.
pub fn named(name: &str) -> Result<&'static Situation> {
    ALL.iter().find(|situation| situation.name == name).with_context(|| {
        let all: Vec<_> = ALL.iter().map(|situation| situation.name).collect();
        format!("there is no state {name}; the states are: {}", all.join(", "))
    })
}

/// Creates a situation in an existing namespace. Returns no stack if nothing is installed.
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
        _ => bail!("the state {name} is listed but not implemented"),
    };
    Ok(Some(stack))
}

async fn connected(mut stack: Stack, broker: usize) -> Result<Stack> {
    let meshsync = stack.meshsync(broker).await?;
    stack.keep(meshsync);
    Ok(stack)
}

/// A situation to try the program on, with its stack. Dropping it stops the servers and the clients.
#[derive(Debug)]
pub enum Running {
    /// The operator reconciles, MeshSync publishes, and a Meshery Server receives, as on a real cluster.
    Working(FakeController),
    /// Nothing reacts to changes, so that the situation stays.
    Static(Option<Box<Stack>>),
}

/// Creates a situation to try the program on. The stack works as far as the situation allows it. Situations that are
/// set by hand, such as a container in CrashLoopBackOff, are static.
pub async fn run(name: &str, cluster: &Cluster, namespace: &str) -> Result<Running> {
    named(name)?;
    let client = cluster.client().await?;
    let operator = rest::path("apps/v1", "Deployment", namespace, "meshery-operator");
    let custom_resources = ["MeshSync", "Broker"]
        .map(|kind| rest::path("meshery.io/v1alpha1", kind, namespace, &format!("meshery-{}", kind.to_lowercase())));
    let delete_custom_resources =
        || future::try_join_all(custom_resources.iter().map(|path| rest::delete(&client, path)));
    let controller = match name {
        "healthy" => healthy(cluster, namespace).await?,
        "orphaned-no-operator" => {
            let controller = healthy(cluster, namespace).await?;
            rest::delete(&client, &operator).await?;
            controller
        }
        "stuck-terminating" => {
            let controller = healthy(cluster, namespace).await?;
            rest::delete(&client, &operator).await?;
            // From then on, no operator removes the finalizers.
            controller.until_up_to_date().await?;
            delete_custom_resources().await?;
            controller
        }
        "undeployed-crs-absent" => {
            let controller = healthy(cluster, namespace).await?;
            delete_custom_resources().await?;
            controller.until_disconnected().await?;
            until_deleted(&client, &custom_resources).await?;
            controller
        }
        "connected-but-blind-rbac" => {
            install(cluster, namespace, &["meshery-meshsync-reader"]).await?;
            let controller = cluster.start_publishing_controller(namespace)?;
            controller.until_connected().await?;
            controller
        }
        "nothing-installed" => {
            apply(name, cluster, namespace).await?;
            cluster.start_publishing_controller(namespace)?
        }
        _ => return Ok(Running::Static(apply(name, cluster, namespace).await?.map(Box::new))),
    };
    Ok(Running::Working(controller))
}

/// A healthy stack, installed as `meshdoctor system redeploy` does, whose MeshSync publishes nothing unless it is the real
/// one.
pub async fn working(cluster: &Cluster, namespace: &str) -> Result<FakeController> {
    install(cluster, namespace, &[]).await?;
    let controller = match real::meshsync() {
        Some(_) => cluster.start_publishing_controller(namespace)?,
        None => cluster.start_controller(namespace)?,
    };
    controller.until_connected().await?;
    Ok(controller)
}

/// Installs the stack on a node that runs containers; returns when MeshSync's pod is ready.
pub async fn on_node(cluster: &Cluster, namespace: &str) -> Result<()> {
    install(cluster, namespace, &[]).await?;
    let client = cluster.client().await?;
    let meshsync = rest::path("apps/v1", "Deployment", namespace, "meshery-meshsync");
    wait::until("MeshSync to be ready", Duration::from_secs(120), || async {
        let found = rest::get(&client, &meshsync).await;
        Ok(found.is_ok_and(|meshsync| meshsync["status"]["readyReplicas"] == 1).then_some(()))
    })
    .await
}

async fn healthy(cluster: &Cluster, namespace: &str) -> Result<FakeController> {
    install(cluster, namespace, &[]).await?;
    let controller = cluster.start_publishing_controller(namespace)?;
    controller.until_settled().await?;
    Ok(controller)
}

async fn until_deleted(client: &Client, paths: &[String]) -> Result<()> {
    wait::until("the custom resources to be deleted", Duration::from_secs(30), || async {
        for path in paths {
            if rest::get(client, path).await.is_ok() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}

/// Installs the stack as `meshdoctor system redeploy` does, which therefore finds nothing to change, except for objects
/// with these names.
async fn install(cluster: &Cluster, namespace: &str, except: &[&str]) -> Result<()> {
    let client = cluster.client().await?;
    cluster.crds_will_change().await;
    let objects: Vec<_> = manifests(&profile::MESHERY, namespace, &manifests::Options::default())
        .into_iter()
        .filter(|object| !except.contains(&object.id.name.as_str()))
        .map(|object| object.body)
        .collect();
    let (crds, others): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|object| object["kind"] == "CustomResourceDefinition");
    rest::write_all(&client, Writer::Apply(FIELD_MANAGER), &crds).await?;
    crds::until_served(&client, Line::Current).await?;
    for object in others {
        cluster.apply_with(&client, Writer::Apply(FIELD_MANAGER), &[object]).await?;
    }
    Ok(())
}
