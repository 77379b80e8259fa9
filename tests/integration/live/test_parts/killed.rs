//! Killed at any moment, a run leaves at most what the next one removes.

use anyhow::Result;

use super::{checked, dataflow, objects, publishing};
use crate::{
    bed::{self, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
};

/// The writes of a run: it makes, changes and removes.
const WRITES: usize = 3;

#[tokio::test]
async fn after_each_write_the_next_run_removes_what_is_left_and_says_so() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, _publisher) = publishing(&bed).await?;
    for number in 1..=WRITES {
        for moment in [Moment::OnItsWay, Moment::Made, Moment::Told] {
            let fault = Fault::AtWrite(number, moment, Action::Signal("KILL"));
            let proxy = FaultProxy::start(&bed, users::ADMIN, fault.clone())?;
            let killed = proxy.run(dataflow(&bed, &proxy.kubeconfig, "")).await?;
            assert!(proxy.has_struck(), "{fault:?}: {killed:?}");
            // What comes after its last answer may be over before the signal.
            if (number, moment) != (WRITES, Moment::Told) {
                assert_eq!(killed.code, -1, "{fault:?}: {killed:?}");
            }
            if moment == Moment::OnItsWay {
                // The write goes on without whoever sent it.
                bed::until("the write to come through", LIMIT, || async {
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
                assert_eq!(clean["reason"], "1 of an earlier run removed", "{report:#}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn killed_while_it_waits_for_an_event() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let mut tool = dataflow(&bed, &bed.kubeconfig(), "--wait 20s");
    let mut child = tool.command().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    bed::until("the object to be there", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    child.kill()?;
    child.wait()?;
    assert_eq!(objects(&stack).await?.len(), 1);

    // The next removes it though nobody publishes, and even where there is nobody who could.
    publisher.kill();
    bed::until("the broker to notice", LIMIT, || async { Ok((!stack.nats(0).lists("meshsync").await?).then_some(())) })
        .await?;
    let next = dataflow(&bed, &bed.kubeconfig(), "--wait 1s").run_beside().await;
    let report = next.json();
    assert_eq!(objects(&stack).await?, [""; 0], "{report:#}");
    let clean = checked(&report, "flow-clean");
    assert_eq!(clean["reason"], "1 of an earlier run removed", "{report:#}");
    Ok(())
}

/// How long something that surely comes may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
