//! A run that is killed at any moment leaves at most what the next run removes.

use anyhow::Result;

use super::{checked, dataflow, objects, with_publisher};
use crate::{
    bed::{self, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
};

/// The writes of a run: create, change and delete.
const WRITES: usize = 3;

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn next_run_removes_and_reports_what_a_run_killed_at_any_write_left() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = with_publisher(&bed).await?;
    for number in 1..=WRITES {
        for moment in [Moment::Intercepted, Moment::Applied, Moment::Answered] {
            let fault = Fault::AtWrite(number, moment, Action::Signal("KILL"));
            let proxy = FaultProxy::start(&bed, users::ADMIN, fault.clone())?;
            let killed = proxy.run(dataflow(&bed, &proxy.kubeconfig, "")).await?;
            assert!(proxy.has_injected(), "{fault:?}: {killed:?}");
            // After its last response the run may end before the signal arrives.
            if (number, moment) != (WRITES, Moment::Answered) {
                assert_eq!(killed.code, -1, "{fault:?}: {killed:?}");
            }
            if moment == Moment::Intercepted {
                // The write continues without its sender.
                bed::until("the write to arrive", LIMIT, || async {
                    Ok((objects(&stack).await?.is_empty() == (number == WRITES)).then_some(()))
                })
                .await?;
            }
            let left = objects(&stack).await?;
            assert_eq!(left.len(), usize::from(number < WRITES), "{fault:?}");

            let next = dataflow(&bed, &bed.kubeconfig(), "").run_beside().await;
            let report = next.exits(0).json();
            assert_eq!(objects(&stack).await?, [""; 0], "{fault:?}: {report:#}");
            let clean = checked(&report, "flow-clean");
            assert_eq!(clean["status"], "pass");
            if !left.is_empty() {
                assert_eq!(clean["reason"], "removed 1 left by an earlier run", "{report:#}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn next_run_removes_what_a_run_killed_while_waiting_left() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let mut tool = dataflow(&bed, &bed.kubeconfig(), "--wait 20s");
    let mut child = tool.command().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    bed::until("the object to exist", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    child.kill()?;
    child.wait()?;
    assert_eq!(objects(&stack).await?.len(), 1);

    // The next run removes it although nothing is published, even if MeshSync is gone.
    publisher.kill();
    bed::until("the broker to notice", LIMIT, || async {
        Ok((!stack.nats(0).has_client("meshsync").await?).then_some(()))
    })
    .await?;
    let next = dataflow(&bed, &bed.kubeconfig(), "--wait 1s").run_beside().await;
    let report = next.json();
    assert_eq!(objects(&stack).await?, [""; 0], "{report:#}");
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["reason"], "removed 1 left by an earlier run", "{report:#}");
    Ok(())
}

/// The time limit when a test waits for something that is certain to happen.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
