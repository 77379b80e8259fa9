//! Logs of unhealthy containers are read, through the real log endpoint. Logs of healthy containers are not.

use anyhow::Result;
use serde_json::Value;

use super::{at, check, codes};
use crate::bed::{self, Line, Stack};

fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    report["findings"]
        .as_array()
        .and_then(|findings| findings.iter().find(|finding| finding["code"] == code))
        .unwrap_or_else(|| panic!("no {code} in {report:#}"))
}

#[tokio::test]
async fn crashing_meshsync_log_names_the_cause_without_secrets() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current)
        .namespace(bed.namespace())
        .token("t0123456789abcdef0123456789abcdef")
        .start(&bed)
        .await?;
    let pod = stack.pods("meshsync").await?.remove(0);
    let lines = [
        r#"time="2026-11-20T22:43:29Z" level=info msg="meshsync: run started" app=meshsync"#,
        r#"time="2026-11-20T22:43:29Z" level=warning msg="dialling nats://t0123456789abcdef0123456789abcdef@127.0.0.1:4222" app=meshsync"#,
        r#"time="2026-11-20T22:43:29Z" level=error msg="nats: Authorization Violation | Short Description: Connection to broker failed" app=meshsync code=meshkit-11118"#,
    ];
    bed.set_pod_log(bed.namespace(), &pod, "meshsync", &lines).await?;
    stack.set_crash_loop("meshsync", 7, 1).await?;
    let ran = at(&bed, bed.namespace(), "system check -o json").run_beside().await.exits(1);
    assert!(!ran.stdout.contains("t0123456789abcdef"), "{}", ran.stdout);
    let report = ran.json();
    let crash = finding(&report, "meshsync-crash-loop");
    let evidence = crash["evidence"].to_string();
    assert!(evidence.contains("Authorization Violation [meshkit-11118]"), "{evidence}");
    assert!(!evidence.contains("run started"), "{evidence}");
    assert!(crash["message"].as_str().is_some_and(|message| message.contains("rejects its token")), "{crash:#}");
    Ok(())
}

#[tokio::test]
async fn log_shows_that_meshsync_gave_up_reconnecting() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let pod = stack.pods("meshsync").await?.remove(0);
    bed.set_pod_log(bed.namespace(), &pod, "meshsync", &["nats: connection closed"; 3]).await?;
    let report = check(&bed, bed.namespace()).await;
    let silent = finding(&report, "meshsync-not-connected");
    assert!(silent["evidence"].to_string().contains("nats: connection closed (3 times)"), "{silent:#}");
    assert!(
        silent["remedy"]["text"].as_str().is_some_and(|text| text.contains("stopped reconnecting to the broker")),
        "{silent:#}"
    );
    Ok(())
}

#[tokio::test]
async fn failing_operator_log_shows_the_reason() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let pod = stack.pods("operator").await?.remove(0);
    let line = r#"{"level":"error","ts":"2026-11-20T22:43:36Z","msg":"Reconciler error","error":"1005: statefulsets.apps is forbidden: User \"x\" cannot create resource"}"#;
    bed.set_pod_log(bed.namespace(), &pod, "manager", &[line]).await?;
    let ready = serde_json::json!({ "status": { "conditions": [{
        "type": "Ready", "status": "False", "reason": "ReconciliationFailed", "message": "failed",
        "lastTransitionTime": "2026-11-20T22:43:36Z", "observedGeneration": 1,
    }] } });
    bed.patch_status(&stack.custom_path("Broker"), &ready["status"]).await?;
    let report = check(&bed, bed.namespace()).await;
    let failing = finding(&report, "operator-reconcile-failing");
    assert!(failing["evidence"].to_string().contains("[1005]"), "{failing:#}");
    let failed = finding(&report, "cr-failed");
    assert_eq!(failed["causedBy"][0], "operator-reconcile-failing");
    Ok(())
}

#[tokio::test]
async fn healthy_stack_reads_no_logs() -> Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let ran = at(&bed, bed.namespace(), "system check -v -o json").run_beside().await.exits(0);
    assert!(!ran.stderr.contains("/log?"), "{}", ran.stderr);
    assert!(!codes(&ran.json()).contains(&"operator-reconcile-failing"));
    let gets = ran.stderr.lines().filter(|line| line.starts_with("GET "));
    let reviews = ran.stderr.lines().filter(|line| line.contains("subjectaccessreviews"));
    let (gets, reviews) = (gets.count(), reviews.count());
    assert!((20..=30).contains(&gets), "{}", ran.stderr);
    assert!((1..=10).contains(&reviews), "{}", ran.stderr);
    Ok(())
}
