//! Runs that cannot be carried to their end: the report is whole all the same, blames nobody, and the object is removed
//! if there is a way.

use anyhow::Result;
use serde_json::Value;

use super::{checked, dataflow, fits, found, hop, objects, publishing, wrong};
use crate::{
    bed::{self, Stack, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    tool::Ran,
};

/// The report of a run that came to no end.
#[track_caller]
fn undetermined(ran: Ran, why: &str) -> Value {
    let report = ran.exits(3).json();
    fits(&report);
    let tried = checked(&report, "flow-tried");
    assert_eq!(tried["status"], "unknown", "{report:#}");
    let reason = tried["reason"].as_str().unwrap_or_default();
    assert!(!why.is_empty() && reason.contains(why), "{reason}");
    // MeshSync may be as well as can be.
    assert_eq!(checked(&report, "flow-arrives")["status"], "skip");
    assert_eq!(hop(&report, "tried")["status"], "unknown");
    report
}

/// What is left is told with the command that removes it, and the next run removes it.
async fn is_left_and_removed(bed: &bed::Lease, stack: &Stack, report: &Value) -> Result<()> {
    let left = objects(stack).await?;
    assert_eq!(left.len(), 1, "{report:#}");
    assert_eq!(wrong(report), ["flow-probe-leftover"], "{report:#}");
    let command = found(report, "flow-probe-leftover")["remedy"].to_string();
    assert!(command.contains("delete configmap"), "{command}");
    assert!(command.contains(&left[0]), "{command}");
    let next = dataflow(bed, &bed.kubeconfig(), "").run_beside().await;
    let clean = next.exits(0).json();
    assert_eq!(checked(&clean, "flow-clean")["reason"], "1 of an earlier run removed");
    assert_eq!(objects(stack).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn every_connection_breaks_off_and_others_can_be_made() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    // Or the events might come sooner than the end of the connections.
    publisher.pause()?;
    for (moment, why) in [(Moment::Made, "the API server did not answer"), (Moment::Told, "the broker")] {
        let fault = Fault::AtWrite(1, moment, Action::HangUp);
        let proxy = FaultProxy::start(&bed, users::ADMIN, fault)?;
        let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 3s");
        let report = undetermined(proxy.run(tool).await?, why);
        assert_eq!(wrong(&report), [""; 0], "{report:#}");
        assert_eq!(objects(&stack).await?, [""; 0], "{moment:?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_connection_breaks_off_for_good() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    for (moment, why) in [(Moment::Made, "the API server did not answer"), (Moment::Told, "the broker")] {
        publisher.pause()?;
        let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::AtWrite(1, moment, Action::HangUpForGood))?;
        let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 3s");
        let report = undetermined(proxy.run(tool).await?, why);
        // Whether it was made is not known to who was never told.
        let title = found(&report, "flow-probe-leftover")["title"].to_string();
        assert_eq!(title.contains("may still be there"), moment == Moment::Made, "{title}");
        publisher.resume()?;
        is_left_and_removed(&bed, &stack, &report).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_api_server_falls_silent() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::AtWrite(1, Moment::Told, Action::FallSilent))?;
    let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 1s --timeout 6s");
    let report = undetermined(proxy.run(tool).await?, "--timeout");
    publisher.resume()?;
    is_left_and_removed(&bed, &stack, &report).await
}

#[tokio::test]
async fn the_time_runs_out() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let tool = dataflow(&bed, &bed.kubeconfig(), "--wait 60s --timeout 4s");
    let report = undetermined(tool.run_beside().await, "--timeout");
    assert_eq!(wrong(&report), [""; 0], "{report:#}");
    assert_eq!(hop(&report, "acknowledged")["status"], "pass");
    assert_eq!(objects(&stack).await?, [""; 0]);
    Ok(())
}
