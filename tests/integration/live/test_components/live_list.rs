//! The live list of a test at a terminal: it shows the steps while they run, and nothing of it stays on the screen.

use anyhow::Result;

use super::{objects, with_publisher};
use crate::{
    bed::{self, Line, Stack},
    live::{
        at,
        pty_session::{CTRL_C, PtySession, emulated_at},
    },
};

/// What the run itself has left on the screen: everything after the process ID.
fn left(screen: &str) -> String {
    let shown = emulated_at(screen, 80);
    shown.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn finished_steps_are_listed_above_the_one_that_waits_and_ctrl_c_clears_them() -> Result<()> {
    let bed = bed::lease().await?;
    let (stack, publisher) = with_publisher(&bed).await?;
    publisher.pause()?;
    let tool = at(&bed, bed.namespace(), "test dataflow --wait 20s").kubeconfig(&bed.kubeconfig());
    let mut session = PtySession::start(tool)?;
    session.until_shown("ADDED received from the broker (2 s of 20s)").await?;
    let shown = emulated_at(&session.screen(), 80);
    let lines: Vec<&str> = shown.lines().skip(1).collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(lines[0].starts_with("✓ broker round trip: ") && lines[0].ends_with(" ms"), "{shown}");
    assert!(lines[1].starts_with("✓ change acknowledged by the API server: "), "{shown}");
    assert!(lines[2].ends_with(" ADDED received from the broker (2 s of 20s)"), "{shown}");
    session.type_in(CTRL_C)?;
    let (code, screen) = session.end().await?;
    assert_eq!(code, 130, "{screen}");
    let left = left(&screen);
    let sentence = left.strip_prefix("Stopped. Removed the test object meshdoctor-probe-");
    assert!(sentence.is_some_and(|name| name.ends_with('.') && !name.contains('\n')), "{left:?}");
    assert_eq!(objects(&stack).await?, [""; 0], "{screen}");
    Ok(())
}

#[tokio::test]
async fn result_replaces_the_live_list() -> Result<()> {
    let bed = bed::lease().await?;
    let setup = Stack::of(Line::Current).namespace(bed.namespace());
    let mut stack = setup.start(&bed).await?;
    let controller = stack.start_controller()?;
    controller.until_connected().await?;
    let tool = at(&bed, bed.namespace(), "test operator");
    let (code, screen) = PtySession::start(tool)?.end().await?;
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("the Lease is renewed (0 s of 20s)"), "{screen}");
    let left = left(&screen);
    assert!(left.starts_with("Operator test"), "{left}");
    assert_eq!(left.matches("the Lease is renewed").count(), 1, "{left}");
    // Without a terminal, only the result is printed.
    let piped = at(&bed, bed.namespace(), "test operator").run_beside().await.exits(0);
    assert_eq!(piped.stderr, "", "{}", piped.stdout);
    Ok(())
}
