//! Runs that cannot finish: the report is still complete and blames no component, and the object is removed if
//! possible.

use anyhow::Result;
use serde_json::Value;

use super::{assert_valid, checked, dataflow, found, hop, objects, problem_codes, with_publisher};
use crate::{
    bed::{self, Stack, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    tool::Ran,
};

/// The report of a run that could not finish.
#[track_caller]
fn assert_undetermined(ran: Ran, why: &str) -> Value {
    let report = ran.exits(3).json();
    assert_valid(&report);
    let tried = checked(&report, "flow-tried");
    assert_eq!(tried["status"], "unknown", "{report:#}");
    let reason = tried["reason"].as_str().unwrap_or_default();
    assert!(!why.is_empty() && reason.contains(why), "{reason}");
    // MeshSync may be perfectly healthy.
    assert_eq!(checked(&report, "flow-arrives")["status"], "skip");
    assert_eq!(hop(&report, "tried")["status"], "unknown");
    report
}

/// Asserts that the leftover is reported with the command that removes it, and that the next run removes it.
async fn assert_left_and_then_removed(bed: &bed::Lease, stack: &Stack, report: &Value) -> Result<()> {
    let left = objects(stack).await?;
    assert_eq!(left.len(), 1, "{report:#}");
    assert_eq!(problem_codes(report), ["flow-probe-leftover"], "{report:#}");
    let command = found(report, "flow-probe-leftover")["remedy"].to_string();
    assert!(command.contains("delete configmap"), "{command}");
    assert!(command.contains(&left[0]), "{command}");
    let next = dataflow(bed, &bed.kubeconfig(), "").run_beside().await;
    let clean = next.exits(0).json();
    assert_eq!(checked(&clean, "flow-clean")["reason"], "removed 1 left by an earlier run");
    assert_eq!(objects(stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn connections_that_break_and_can_be_reopened_leave_no_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    // Otherwise the events might arrive before the connections end.
    publisher.pause()?;
    for (moment, why) in [(Moment::Applied, "the API server did not respond"), (Moment::Answered, "the broker")] {
        let fault = Fault::AtWrite(1, moment, Action::Disconnect);
        let proxy = FaultProxy::start(&bed, users::ADMIN, fault)?;
        let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 3s");
        let report = assert_undetermined(proxy.run(tool).await?, why);
        assert_eq!(problem_codes(&report), [""; 0], "{report:#}");
        assert_eq!(objects(&stack).await?, [""; 0], "{moment:?}");
    }
    Ok(())
}

#[tokio::test]
async fn connections_that_break_for_good_leave_a_reported_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    for (moment, why) in [(Moment::Applied, "the API server did not respond"), (Moment::Answered, "the broker")] {
        publisher.pause()?;
        let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::AtWrite(1, moment, Action::ShutDown))?;
        let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 3s");
        let report = assert_undetermined(proxy.run(tool).await?, why);
        // A client without a response does not know whether the object was created.
        let title = found(&report, "flow-probe-leftover")["title"].to_string();
        assert_eq!(title.contains("may still exist"), moment == Moment::Applied, "{title}");
        publisher.resume()?;
        assert_left_and_then_removed(&bed, &stack, &report).await?;
    }
    Ok(())
}

#[tokio::test]
async fn api_server_that_stops_answering_leaves_a_reported_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::AtWrite(1, Moment::Answered, Action::StopAnswering))?;
    let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 1s --timeout 6s");
    let report = assert_undetermined(proxy.run(tool).await?, "--timeout");
    publisher.resume()?;
    assert_left_and_then_removed(&bed, &stack, &report).await
}

#[tokio::test]
async fn timeout_ends_the_run_and_removes_the_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let tool = dataflow(&bed, &bed.kubeconfig(), "--wait 60s --timeout 4s");
    let report = assert_undetermined(tool.run_beside().await, "--timeout");
    assert_eq!(problem_codes(&report), [""; 0], "{report:#}");
    assert_eq!(hop(&report, "acknowledged")["status"], "pass");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}
