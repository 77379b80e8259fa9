//! While a component restarts, the first root cause is about that component, not about what follows from the restart.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::check;
use crate::{
    bed::{self, Line, Stack, rest},
    tool::roots,
};

/// The first root cause, if it is an error.
fn first_error(report: &Value) -> Option<&Value> {
    let findings = report["findings"].as_array()?;
    let first = report["rootCauses"][0].as_str()?;
    findings.iter().find(|finding| finding["id"] == first).filter(|finding| finding["severity"] == "error")
}

/// Whether a finding is about this component, or says that something is under way.
fn is_of(finding: &Value, component: &str) -> bool {
    let title = finding["title"].as_str().unwrap_or_default();
    finding["component"] == component || title.contains("rollout is in progress") || title.ends_with(" yet")
}

/// Whether every pod of a workload is new and ready, and no old one is left.
fn is_restarted(workload: &Value, pods: &[Value], old: &[String]) -> bool {
    let status = &workload["status"];
    let desired = &workload["spec"]["replicas"];
    status["observedGeneration"] == workload["metadata"]["generation"]
        && status["readyReplicas"] == *desired
        && status["updatedReplicas"] == *desired
        && pods.iter().all(|pod| !old.iter().any(|uid| pod["metadata"]["uid"] == uid.as_str()))
}

#[tokio::test]
async fn restart_never_names_a_consequence_first() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let _controller = Stack::of(Line::Current).namespace(namespace).start_with_controller(&bed).await?;
    let client = bed.client().await?;
    let pods_path = rest::collection("v1", "Pod", Some(namespace));
    for (component, kind, name) in [
        ("broker", "StatefulSet", "meshery-nats"),
        ("operator", "Deployment", "meshery-operator"),
        ("meshsync", "Deployment", "meshery-meshsync"),
    ] {
        let of_workload = |pod: &Value| {
            let pod = pod["metadata"]["name"].as_str().unwrap_or_default();
            pod.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
        };
        let pods = rest::list(&client, &pods_path).await?;
        let old: Vec<String> = pods
            .iter()
            .filter(|pod| of_workload(pod))
            .filter_map(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned))
            .collect();
        assert!(!old.is_empty(), "{component} has pods");
        bed.kubectl(&["rollout", "restart", "-n", namespace, &format!("{}/{name}", kind.to_lowercase())])?;
        // Healthy again, after at least one check in which it was not complete.
        bed::until(&format!("{component} to be restarted"), Duration::from_secs(60), || async {
            let workload = rest::get(&client, &rest::path("apps/v1", kind, namespace, name)).await?;
            let mut pods = rest::list(&client, &pods_path).await?;
            pods.retain(of_workload);
            let report = check(&bed, namespace).await;
            if let Some(first) = first_error(&report) {
                assert!(is_of(first, component), "while {component} restarts: {first:#}");
                return Ok(None);
            }
            Ok(is_restarted(&workload, &pods, &old).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn operator_that_waits_for_the_broker_is_a_consequence() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let line = r#"{"level":"error","ts":"2026-11-20T22:43:36Z","msg":"Reconciler error","error":"1014: broker replicas not ready"}"#;
    let pod = stack.pods("operator").await?.remove(0);
    bed.set_pod_log(bed.namespace(), &pod, "manager", &[line]).await?;
    let time = bed::now_exactly();
    let unready = |kind: &str| json!({ "type": kind, "status": "False", "lastTransitionTime": time });
    let path = stack.path("v1", "Pod", "meshery-nats-0");
    let mut statuses = rest::get(&stack.client, &path).await?["status"]["containerStatuses"].take();
    statuses[0]["ready"] = false.into();
    let status = json!({
        "conditions": [unready("Ready"), unready("ContainersReady")], "containerStatuses": statuses,
    });
    stack.set_pod_status("meshery-nats-0", &status).await?;
    let failed = json!({ "conditions": [{
        "type": "Ready", "status": "False", "reason": "HealthCheckFailed", "message": "replicas not ready",
        "lastTransitionTime": time, "observedGeneration": 1,
    }] });
    bed.patch_status(&stack.custom_path("Broker"), &failed).await?;
    let report = bed::until("the broker's StatefulSet to be not ready", Duration::from_secs(20), || async {
        let report = check(&bed, bed.namespace()).await;
        Ok(roots(&report).contains(&"broker-not-ready".to_owned()).then_some(report))
    })
    .await?;
    assert_eq!(roots(&report), ["broker-not-ready"], "{report:#}");
    let findings = report["findings"].as_array().expect("findings");
    let operator = findings.iter().find(|finding| finding["code"] == "operator-reconcile-failing").expect("its report");
    assert!(operator["causedBy"].to_string().contains("broker-not-ready"), "{operator:#}");
    assert!(findings[0]["title"].as_str().is_some_and(|title| title.contains("in progress")), "{:#}", findings[0]);
    Ok(())
}
