//! The program in a pod: with its ServiceAccount, the cluster's names and the pods' addresses.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{NAMESPACE, OnNode, healthy, state};
use crate::bed::{self, rest};

/// The image that `tests/node/images` builds.
pub(super) const IMAGE: &str = "meshdoctor.test/meshdoctor:1";

/// A run in the cluster: the container's exit code, and the report in its log.
struct Run {
    code: i64,
    report: Value,
}

impl OnNode {
    /// Applies the manifests of a Job or CronJob.
    async fn apply_monitor(&self, arguments: &str) -> Result<()> {
        let ran = self.run(&format!("manifests --image {IMAGE} {arguments}")).await.exits(0);
        let file = self.file("monitor.yaml");
        std::fs::write(&file, ran.stdout)?;
        self.kubectl(&["apply", "-f", &file.to_string_lossy()]).map(drop)
    }

    /// Waits for the end of a Job's pod, reads its log and deletes the Job.
    async fn result_of(&self, job: &str) -> Result<Run> {
        let client = self.client().await?;
        let selector = format!("batch.kubernetes.io%2Fjob-name%3D{job}");
        let pods = format!("{}?labelSelector={selector}", rest::collection("v1", "Pod", Some(NAMESPACE)));
        let code = bed::until("the Job's pod to end", Duration::from_secs(60), || async {
            let pods = rest::list(&client, &pods).await?;
            let container = pods.first().map(|pod| pod["status"]["containerStatuses"][0].clone()).unwrap_or_default();
            Ok(container["state"]["terminated"]["exitCode"].as_i64())
        });
        let code = code.await.with_context(|| self.pods())?;
        let log = self.kubectl(&["logs", "-n", NAMESPACE, &format!("job/{job}")])?;
        // Its pod must be gone before the next Job of this name.
        self.kubectl(&["delete", "-n", NAMESPACE, &format!("job/{job}"), "--cascade=foreground"])?;
        let report = serde_json::from_str(&log).with_context(|| log.clone())?;
        Ok(Run { code, report })
    }
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_job_diagnoses_the_stack_from_inside_with_exactly_its_permissions() -> Result<()> {
    let node = healthy().await?;
    node.apply_monitor("--job").await?;
    let Run { code, report } = node.result_of("meshdoctor").await?;
    ensure!(code == 0 && report["exitCode"] == 0, "{code}: {:#}", report["findings"]);
    ensure!(report["permissions"]["missing"] == json!([]), "{:#}", report["permissions"]);
    ensure!(state(&report, "meshsync") == "CONNECTED", "{:#}", report["components"]);
    // A pod reaches the broker's pod without the API server in between.
    ensure!(report.to_string().contains("\"reachedBy\":\"pod-address\""), "{:#}", report["components"]["broker"]);

    // What it finds decides the exit code.
    node.kubectl(&["scale", "-n", NAMESPACE, "deployment/meshery-operator", "--replicas=0"])?;
    node.apply_monitor("--job").await?;
    let Run { code, report } = node.result_of("meshdoctor").await?;
    ensure!(code == 1 && report["exitCode"] == 1, "{code}: {:#}", report["findings"]);

    // What it may not read is unknown.
    let bindings = ["clusterrolebinding/meshdoctor-check", "rolebinding/meshdoctor-check"];
    for binding in bindings {
        node.kubectl(&["delete", "-n", NAMESPACE, binding])?;
    }
    node.kubectl(&["delete", "-n", NAMESPACE, "job/meshdoctor", "--ignore-not-found"])?;
    let ran = node.run(&format!("manifests --job --image {IMAGE}")).await.exits(0);
    let objects: Vec<Value> = serde_yaml::Deserializer::from_str(&ran.stdout)
        .map(serde::Deserialize::deserialize)
        .collect::<Result<_, _>>()?;
    let without =
        objects.into_iter().filter(|object| !object["kind"].as_str().unwrap_or_default().ends_with("Binding"));
    node.apply(rest::BED, &without.collect::<Vec<_>>()).await?;
    let Run { code, report } = node.result_of("meshdoctor").await?;
    ensure!(code == 3, "{code}: {:#}", report["findings"]);
    let missing = report["permissions"]["missing"].to_string();
    ensure!(missing.contains("pods") && missing.contains("deployments"), "{missing}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a node that runs containers: tests/run --node"]
async fn a_cron_job_tests_the_data_flow_from_inside() -> Result<()> {
    let node = healthy().await?;
    // The schedule is that of New Year; the run is started by hand.
    let file = node.file("cronjob.yaml");
    let ran = node
        .tool(&format!("manifests --cronjob --synthetic --image {IMAGE}"))
        .args(&["--schedule", "0 0 1 1 *"])
        .run_beside()
        .await
        .exits(0);
    std::fs::write(&file, ran.stdout)?;
    node.kubectl(&["apply", "-f", &file.to_string_lossy()])?;
    node.kubectl(&["create", "job", "-n", NAMESPACE, "by-hand", "--from=cronjob/meshdoctor"])?;
    let Run { code, report } = node.result_of("by-hand").await?;
    node.kubectl(&["delete", "-f", &file.to_string_lossy()])?;
    ensure!(code == 0, "{code}: {:#}", report["findings"]);
    ensure!(report["test"].is_object() && report["permissions"]["missing"] == json!([]), "{report:#}");
    Ok(())
}
