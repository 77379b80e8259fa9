//! Prompts at a terminal: what each answer does, and that no other input counts as an answer.

use anyhow::Result;

use super::assert_healthy;
use crate::{
    bed::{self, rest, states, users},
    fault_proxy::{Fault, FaultProxy},
    live::{
        at,
        pty_session::{CTRL_C, CTRL_D, PtySession, emulated},
    },
    tool::meshdoctor,
};

/// What the user does at the prompt.
enum Answer {
    Types(String),
    /// Another process sends this signal.
    Signals(&'static str),
}

#[tokio::test]
async fn destructive_change_requires_the_namespace_name() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.expect("a stack");
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    let prompt = format!("Type {namespace} to confirm");
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
        let mut session = PtySession::start(tool)?;
        session.until_shown(&prompt).await?;
        // The plan is printed before the prompt, and the prompt says what is deleted and where.
        let screen = session.screen();
        assert!(screen.contains("StatefulSet meshery-nats"), "{screen}");
        let place = "objects from context \"proxy\" (http://127.0.0.1:";
        assert!(screen.contains("Delete ") && screen.contains(place), "{screen}");
        assert!(screen.contains(&format!("namespace \"{namespace}\"?")), "{screen}");
        match &answer {
            Answer::Types(keys) => session.type_in(keys)?,
            Answer::Signals(signal) => session.send(signal)?,
        }
        let (actual, screen) = session.end().await?;
        assert_eq!(actual, code, "{screen}");
        match code {
            4 => assert!(screen.contains("not confirmed"), "{screen}"),
            0 => assert!(screen.contains("Done."), "{screen}"),
            _ => assert!(screen.contains("Stopped. Nothing was changed."), "{screen}"),
        }
        assert_eq!(proxy.writes() > 0, code == 0, "{screen}");
    }
    let path = stack.path("apps/v1", "Deployment", super::OPERATOR);
    assert!(rest::get(&stack.client, &path).await.is_err());
    Ok(())
}

#[tokio::test]
async fn ordinary_change_requires_yes() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    let _controller = bed.start_controller(namespace)?;
    let prompt = format!("namespace \"{namespace}\"? [y/N]");
    for (keys, code) in [("n\r", 4), ("\r", 4), ("yikes\r", 4), (CTRL_D, 4), (CTRL_C, 130)] {
        let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
        let tool = meshdoctor("system redeploy -n").arg(namespace).kubeconfig(&proxy.kubeconfig);
        let mut session = PtySession::start(tool)?;
        session.until_shown(&prompt).await?;
        session.type_in(keys)?;
        let (actual, screen) = session.end().await?;
        assert_eq!(actual, code, "{keys:?}: {screen}");
        assert_eq!(proxy.writes(), 0, "{screen}");
    }
    let mut session = PtySession::start(at(&bed, namespace, "system redeploy --wait 60s"))?;
    session.until_shown(&prompt).await?;
    assert!(session.screen().contains("Create 12 objects in context \"bed\" (https://127.0.0.1:"));
    session.type_in("y\r")?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 0, "{screen}");
    // The plan is printed once, with the question, and each step when it is done.
    let shown = emulated(&screen);
    assert_eq!(shown.matches("create  MeshSync meshery-meshsync").count(), 1, "{shown}");
    assert_eq!(shown.matches("MeshSync meshery-meshsync created").count(), 1, "{shown}");
    let end = shown.split("MeshSync meshery-meshsync created").nth(1).unwrap_or_default();
    assert!(end.contains("StatefulSet meshery-nats ready"), "{shown}");
    let last =
        format!("Done. Verified: MeshSync CONNECTED.\nNext: meshdoctor test dataflow --context bed -n {namespace}");
    assert!(shown.ends_with(&last), "{shown}");
    assert_healthy(&bed, namespace).await
}

#[tokio::test]
async fn no_input_flag_prints_no_prompt() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
    let tool = meshdoctor("system redeploy --no-input -n").arg(namespace).kubeconfig(&proxy.kubeconfig);
    let (code, screen) = PtySession::start(tool)?.end().await?;
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("--yes was not given"), "{screen}");
    assert!(!screen.contains("[y/N]"), "{screen}");
    assert_eq!(proxy.writes(), 0);
    Ok(())
}
