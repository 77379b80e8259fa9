//! The program with a node that runs containers: real pods, probes, logs, names, addresses and network policies.
//!
//! Each test starts from a healthy stack in namespace `meshery`, which it may leave in any state, since the next one
//! repairs it. They run one after the other: there is one node.

// Logs of the node's programs are printed to the test's stderr.
#![allow(clippy::print_stderr)]

mod deployment;
mod faults;
mod in_cluster;
mod network;
mod removal;

use std::{ops::Deref, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    bed::{self, Cluster, Options, node, rest},
    tool::{Ran, Tool, meshdoctor, roots},
};

/// The namespace of the stack. The real MeshSync reads its custom resource only there.
const NAMESPACE: &str = "meshery";

/// How long the stack may take to become healthy: the slowest probe comes first after ten seconds.
const HEALTHY: Duration = Duration::from_secs(120);

/// The only cluster. It is never dropped: the end of the process ends the whole node.
static CLUSTER: Mutex<Option<Cluster>> = Mutex::const_new(None);

/// The cluster, for one test at a time.
struct OnNode(MutexGuard<'static, Option<Cluster>>);

impl Deref for OnNode {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0.as_ref().expect("a cluster was started")
    }
}

impl Drop for OnNode {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the logs of the cluster's programs end with:\n{}", self.log_tails());
        }
    }
}

/// The cluster with whatever the test before has left.
async fn cluster() -> Result<OnNode> {
    let mut cluster = CLUSTER.lock().await;
    if cluster.is_none() {
        let options = Options { runs_containers: true, ..Options::default() };
        let started = Cluster::start_with(&options).await?;
        started.create_namespace(NAMESPACE).await?;
        *cluster = Some(started);
    }
    Ok(OnNode(cluster))
}

/// The cluster with a healthy stack.
async fn healthy() -> Result<OnNode> {
    let cluster = cluster().await?;
    cluster.deploy().await?;
    Ok(cluster)
}

impl OnNode {
    /// The program with the cluster's kubeconfig.
    fn tool(&self, arguments: &str) -> Tool {
        meshdoctor(arguments).kubeconfig(&self.kubeconfig())
    }

    async fn run(&self, arguments: &str) -> Ran {
        self.tool(arguments).run_beside().await
    }

    /// The document of `check -o json`.
    async fn check(&self) -> Value {
        self.run("check -o json").await.json()
    }

    /// Deploys the stack unless it is healthy.
    async fn deploy(&self) -> Result<()> {
        // A test may have replaced one of these.
        for name in ["operator", "meshsync"] {
            self.import(name)?;
        }
        if self.is_healthy().await {
            return Ok(());
        }
        self.delete_failed_pods().await?;
        let ran = self.run("system redeploy --yes --force-conflicts --wait 120s -o json").await;
        self.until_healthy()
            .await
            .with_context(|| format!("redeploy ended with {}:\n{}\n{}", ran.code, ran.stdout, ran.stderr))
    }

    async fn is_healthy(&self) -> bool {
        let report = self.check().await;
        report["exitCode"] == 0 && state(&report, "meshsync") == "CONNECTED"
    }

    async fn until_healthy(&self) -> Result<()> {
        let healthy =
            bed::until("a healthy stack", HEALTHY, || async { Ok(self.is_healthy().await.then_some(())) }).await;
        match healthy {
            Ok(()) => Ok(()),
            Err(error) => {
                let report = self.check().await;
                Err(error.context(format!("{:?}: {:#}\n{}", roots(&report), report["findings"], self.pods())))
            }
        }
    }

    /// Waits until this is the only root cause, and returns the report.
    async fn until_found(&self, cause: &str) -> Result<Value> {
        self.until_found_with(cause, "").await
    }

    /// [`Self::until_found`], with this text in the finding.
    async fn until_found_with(&self, cause: &str, text: &str) -> Result<Value> {
        let found = bed::until(cause, HEALTHY, || async {
            let report = self.check().await;
            let is_found = roots(&report) == [cause] && finding(&report, cause)?.to_string().contains(text);
            Ok(is_found.then_some(report))
        });
        match found.await {
            Ok(report) => Ok(report),
            Err(error) => {
                let report = self.check().await;
                Err(error.context(format!("{:?}: {:#}\n{}", roots(&report), report["findings"], self.pods())))
            }
        }
    }

    /// Imports an image of the node's archives, under the name that the manifests use.
    fn import(&self, archive: &str) -> Result<()> {
        node::import(self.as_ref(), archive)
    }

    /// Deletes the pods of the stack's namespace with these labels, without waiting for their end.
    async fn delete_pods(&self, labels: &str) -> Result<()> {
        let pods = format!(
            "/api/v1/namespaces/{NAMESPACE}/pods?gracePeriodSeconds=0&labelSelector={}",
            labels.replace('=', "%3D")
        );
        rest::delete(&self.client().await?, &pods).await
    }

    /// Deletes the stack's pods that are not ready: a container that failed often is started again only after minutes.
    async fn delete_failed_pods(&self) -> Result<()> {
        let client = self.client().await?;
        for pod in rest::list(&client, &rest::collection("v1", "Pod", Some(NAMESPACE))).await? {
            let containers = pod["status"]["containerStatuses"].as_array();
            if containers.is_none_or(|containers| containers.iter().any(|container| container["ready"] != true)) {
                let path = rest::path("v1", "Pod", NAMESPACE, pod["metadata"]["name"].as_str().unwrap_or_default());
                rest::delete(&client, &format!("{path}?gracePeriodSeconds=0")).await?;
            }
        }
        Ok(())
    }

    /// The pods as kubectl shows them, for messages.
    fn pods(&self) -> String {
        self.kubectl(&["get", "pods", "--all-namespaces", "--output=wide"]).unwrap_or_else(|error| format!("{error:#}"))
    }
}

/// The state of a component in a report.
fn state<'r>(report: &'r Value, component: &str) -> &'r str {
    report["components"][component]["state"].as_str().unwrap_or_default()
}

/// The finding with this code.
fn finding<'r>(report: &'r Value, code: &str) -> Result<&'r Value> {
    let mut findings = report["findings"].as_array().into_iter().flatten();
    findings.find(|finding| finding["code"] == code).with_context(|| format!("no {code} in {:#}", report["findings"]))
}

/// Fails unless a text contains another.
fn assert_contains(text: &str, part: &str) -> Result<()> {
    ensure!(text.contains(part), "{part:?} is not in:\n{text}");
    Ok(())
}
