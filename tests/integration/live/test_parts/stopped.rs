//! Stopped by a signal at any moment, a run removes its object itself.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{dataflow, fits, objects, publishing};
use crate::{
    bed::{self, users},
    fault_proxy::{Action, Fault, FaultProxy, Moment},
    live::{
        at,
        sitting::{CTRL_C, Sitting},
    },
};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn by_a_signal_at_each_write() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    // The run waits after what it is told, so that the signal finds it there.
    publisher.pause()?;
    let signals = [("INT", 130, 1..=3), ("TERM", 143, 1..=3), ("HUP", 129, 2..=2), ("QUIT", 131, 2..=2)];
    for (signal, code, writes) in signals {
        for number in writes {
            for moment in [Moment::OnItsWay, Moment::Made, Moment::Told] {
                let fault = Fault::AtWrite(number, moment, Action::Signal(signal));
                let proxy = FaultProxy::start(&bed, users::ADMIN, fault.clone())?;
                let tool = dataflow(&bed, &proxy.kubeconfig, "--wait 1s");
                let stopped = proxy.run(tool).await?;
                assert!(proxy.has_struck(), "{fault:?}: {stopped:?}");
                assert_eq!(stopped.code, code, "{fault:?}: {stopped:?}");
                let report = stopped.json();
                fits(&report);
                assert_eq!(report["exitCode"], code, "{fault:?}");
                assert_eq!(report["rootCauses"], json!(["interrupted"]), "{fault:?}");
                assert_eq!(objects(&stack).await?, [""; 0], "{fault:?}");
                // Nor does it come afterwards.
                bed::until("the held write to be forwarded", LIMIT, || async {
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
async fn by_ctrl_c_at_a_terminal_while_it_waits() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let tool = at(&bed, bed.namespace(), "test dataflow --wait 20s").kubeconfig(&bed.kubeconfig());
    let mut sitting = Sitting::begin(tool)?;
    bed::until("the object to be there", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    sitting.type_in(CTRL_C)?;
    let (code, screen) = sitting.end().await?;
    assert_eq!(code, 130, "{screen}");
    assert_eq!(objects(&stack).await?, [""; 0], "{screen}");
    Ok(())
}

/// The removal is slow to be answered, and whoever has asked twice does not want to wait for it.
#[tokio::test]
async fn by_a_second_ctrl_c_at_once() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = publishing(&bed).await?;
    publisher.pause()?;
    let fault = Fault::AtWrite(2, Moment::OnItsWay, Action::Hold(Duration::from_secs(4)));
    let proxy = FaultProxy::start(&bed, users::ADMIN, fault)?;
    let tool = at(&bed, bed.namespace(), "test dataflow --wait 20s").kubeconfig(&proxy.kubeconfig);
    let mut sitting = Sitting::begin(tool)?;
    bed::until("the object to be there", LIMIT, || async { Ok((objects(&stack).await?.len() == 1).then_some(())) })
        .await?;
    sitting.type_in(CTRL_C)?;
    bed::until("its removal to be asked for", LIMIT, || async { Ok(proxy.has_struck().then_some(())) }).await?;
    sitting.type_in(CTRL_C)?;
    let (code, screen) = sitting.end().await?;
    assert_eq!(code, 130, "{screen}");
    // Had it waited for the answer, the object would be gone.
    assert_eq!(objects(&stack).await?.len(), 1, "{screen}");
    Ok(())
}
