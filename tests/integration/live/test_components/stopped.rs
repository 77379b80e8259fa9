//! A run that is stopped by a signal at any moment removes its own object.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{assert_valid, dataflow, objects, with_publisher};
use crate::{
    bed::{self, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    live::{
        at,
        pty_session::{CTRL_C, PtySession},
    },
};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn signal_at_any_write_still_removes_the_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    // The run waits after each response, so that the signal arrives while it waits.
    publisher.pause()?;
    let signals = [("INT", 130, 1..=3), ("TERM", 143, 1..=3), ("HUP", 129, 2..=2), ("QUIT", 131, 2..=2)];
    for (signal, code, writes) in signals {
        for number in writes {
            for moment in [Moment::Intercepted, Moment::Applied, Moment::Answered] {
                let fault = Fault::AtWrite(number, moment, Action::Signal(signal));
                let proxy = FaultProxy::start(&bed, users::ADMIN, fault.clone())?;
                let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 1s");
                let stopped = proxy.run(tool).await?;
                assert!(proxy.has_injected(), "{fault:?}: {stopped:?}");
                assert_eq!(stopped.code, code, "{fault:?}: {stopped:?}");
                let report = stopped.json();
                assert_valid(&report);
                assert_eq!(report["exitCode"], code, "{fault:?}");
                assert_eq!(report["rootCauses"], json!(["interrupted"]), "{fault:?}");
                assert_eq!(objects(&stack).await?, [""; 0], "{fault:?}");
                // A delayed write does not create the object afterwards.
                bed::until("the delayed write to be forwarded", LIMIT, || async {
                    Ok(proxy.has_forwarded_all().then_some(()))
                })
                .await?;
                assert_eq!(objects(&stack).await?, [""; 0], "{fault:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn ctrl_c_while_waiting_removes_the_object() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let tool = at(&bed, bed.namespace(), "test dataflow --wait 20s").kubeconfig(&bed.kubeconfig());
    let mut session = PtySession::start(tool)?;
    bed::until("the object to exist", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    assert_eq!(objects(&stack).await?, [""; 0], "{screen}");
    Ok(())
}

/// The response to the deletion is slow, and a user who presses Ctrl-C twice does not want to wait for it.
#[tokio::test]
async fn second_ctrl_c_ends_the_run_at_once() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let fault = Fault::AtWrite(2, Moment::Intercepted, Action::Hold(Duration::from_secs(4)));
    let proxy = FaultProxy::start(&bed, users::ADMIN, fault)?;
    let tool = at(&bed, bed.namespace(), "test dataflow --wait 20s").kubeconfig(&proxy.kubeconfig);
    let mut session = PtySession::start(tool)?;
    bed::until("the object to exist", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    session.type_in(CTRL_C)?;
    bed::until("its deletion to be requested", LIMIT, || async { Ok(proxy.has_injected().then_some(())) }).await?;
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    // If the run had waited for the response, the object would be gone.
    assert_eq!(objects(&stack).await?.len(), 1, "{screen}");
    Ok(())
}
