//! Questions to somebody at a terminal: what each answer does, and that nothing else is one.

use anyhow::Result;

use super::{assert_well, will_change};
use crate::{
    bed::{self, rest, states, users},
    fault_proxy::{Fault, FaultProxy},
    live::{
        at,
        sitting::{CTRL_C, CTRL_D, Sitting},
    },
    tool::meshdoctor,
};

/// What somebody does when asked.
enum Answer {
    Types(String),
    /// Another process sends this signal.
    Signals(&'static str),
}

#[tokio::test]
async fn what_is_severe_takes_the_name_of_the_namespace() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _attendant = stack.attended()?;
    bed.crds_will_change().await;
    let asked = format!("type {namespace} to go on");
    let typed = |keys: &str| Answer::Types(keys.to_owned());
    for (answer, code) in [
        (typed("meshery\r"), 4),
        (typed("y\r"), 4),
        (typed("\r"), 4),
        (typed(CTRL_D), 4),
        (typed(CTRL_C), 130),
        (Answer::Signals("TERM"), 143),
        (typed(&format!("{namespace}\r")), 0),
    ] {
        let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
        let tool = meshdoctor("system reset stack --crds --no-backup --wait 60s -n")
            .arg(namespace)
            .kubeconfig(&proxy.kubeconfig);
        let mut sitting = Sitting::begin(tool)?;
        sitting.until_shown(&asked).await?;
        // The plan stands before the question.
        assert!(sitting.screen().contains("StatefulSet meshery-nats"));
        match &answer {
            Answer::Types(keys) => sitting.type_in(keys)?,
            Answer::Signals(signal) => sitting.send(signal)?,
        }
        let (actual, screen) = sitting.end().await?;
        assert_eq!(actual, code, "{screen}");
        match code {
            4 => assert!(screen.contains("it was not confirmed"), "{screen}"),
            0 => assert!(screen.contains("Done."), "{screen}"),
            _ => {}
        }
        assert_eq!(proxy.writes() > 0, code == 0, "{screen}");
    }
    let path = stack.path("apps/v1", "Deployment", super::OPERATOR);
    assert!(rest::get(&stack.client, &path).await.is_err());
    Ok(())
}

#[tokio::test]
async fn what_is_not_takes_a_yes() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    will_change(&bed).await;
    let _attendant = bed.attend(namespace)?;
    let asked = format!("Do this in namespace {namespace}?");
    for (keys, code) in [("n\r", 4), ("\r", 4), ("yikes\r", 4), (CTRL_D, 4), (CTRL_C, 130)] {
        let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
        let tool = meshdoctor("system redeploy -n").arg(namespace).kubeconfig(&proxy.kubeconfig);
        let mut sitting = Sitting::begin(tool)?;
        sitting.until_shown(&asked).await?;
        sitting.type_in(keys)?;
        let (actual, screen) = sitting.end().await?;
        assert_eq!(actual, code, "{keys:?}: {screen}");
        assert_eq!(proxy.writes(), 0, "{screen}");
    }
    let mut sitting = Sitting::begin(at(&bed, namespace, "system redeploy --wait 60s"))?;
    sitting.until_shown(&asked).await?;
    sitting.type_in("y\r")?;
    let (code, screen) = sitting.end().await?;
    assert_eq!(code, 0, "{screen}");
    assert_well(&bed, namespace).await
}

#[tokio::test]
async fn who_wants_no_questions_is_asked_none() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
    let tool = meshdoctor("system redeploy --no-input -n").arg(namespace).kubeconfig(&proxy.kubeconfig);
    let (code, screen) = Sitting::begin(tool)?.end().await?;
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("--yes was not given"), "{screen}");
    assert!(!screen.contains("Do this"), "{screen}");
    assert_eq!(proxy.writes(), 0);
    Ok(())
}
