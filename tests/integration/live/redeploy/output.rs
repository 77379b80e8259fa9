//! If the output cannot be written, a change does not begin, or at least is not reported as a success.

use std::{fs::OpenOptions, process::Stdio};

use anyhow::{Context as _, Result};

use super::{FORCE, assert_healthy};
use crate::{
    bed::{self, states, users},
    fault_proxy::{Action, Fault, FaultProxy},
    tool::{Tool, meshdoctor},
};

/// Runs with this standard output. Returns the exit code and standard error.
async fn run_onto(mut tool: Tool, stdout: impl Into<Stdio>) -> Result<(i32, String)> {
    tool.command().stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || tool.command().output()).await??;
    let stderr = String::from_utf8(output.stderr)?;
    Ok((output.status.code().unwrap_or(-1), stderr))
}

#[tokio::test]
async fn plan_that_cannot_be_written_is_not_started() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    states::apply("nothing-installed", &bed, namespace).await?;
    bed.crds_will_change().await;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::None)?;
    let redeploy = "system redeploy --yes --no-wait --force-conflicts";
    for arguments in [
        redeploy,
        "system redeploy --yes --no-wait --force-conflicts -o wide",
        "system redeploy --yes --no-wait --force-conflicts -o json",
        "system redeploy --yes --no-wait --force-conflicts -o yaml",
        "system redeploy --dry-run",
    ] {
        let tool = meshdoctor(arguments).args(&["-n", namespace]).kubeconfig(&proxy.kubeconfig);
        let full = OpenOptions::new().write(true).open("/dev/full")?;
        let (code, stderr) = run_onto(tool, full).await?;
        assert_eq!(code, 4, "{arguments}: {stderr}");
        assert!(
            stderr.contains("cannot write to standard output") && stderr.contains("nothing was changed"),
            "{arguments}: {stderr}"
        );
        assert_eq!(proxy.writes(), 0, "{arguments}");
    }
    // A reader that is gone does not stop the run.
    let _controller = bed.start_controller(namespace)?;
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let tool = meshdoctor(redeploy).args(&["-n", namespace]).kubeconfig(&proxy.kubeconfig);
    let (code, stderr) = run_onto(tool, writer).await?;
    assert_eq!(code, 0, "{stderr}");
    // Each step is one line on stderr, in order, as it is done.
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with('✓')), "{stderr}");
    assert!(lines[0].ends_with("ServiceAccount meshery-operator created"), "{stderr}");
    assert!(lines.iter().any(|line| line.ends_with("StatefulSet meshery-nats ready")), "{stderr}");
    let total = lines.len();
    assert!(lines[total - 1].contains(&format!(" {total}/{total} ")), "{stderr}");
    assert!(proxy.writes() > 10);
    assert_healthy(&bed, namespace).await
}

/// A plan that was confirmed at a terminal, or printed before the start, is not printed again at the end.
#[tokio::test]
async fn plan_is_printed_first_and_outcome_last() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.context("a stack")?;
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    let proxy = FaultProxy::start(&bed, users::ADMIN, Fault::after_write(1, Action::ShutDown))?;
    let run = async |kubeconfig: &std::path::Path| {
        meshdoctor("system redeploy broker --yes --no-wait --wait 30s")
            .args(&["-n", namespace, FORCE])
            .kubeconfig(kubeconfig)
            .run_beside()
            .await
    };
    let restart = "restart  StatefulSet meshery-nats";
    // If the run stops, only the steps that are not done are printed again.
    let stopped = run(&proxy.kubeconfig).await.exits(5).stdout;
    assert_eq!(stopped.matches(restart).count(), 2, "{stopped}");
    assert!(stopped.contains("Stopped at step 1 of"), "{stopped}");
    assert!(stopped.contains("Run the same command again to continue."), "{stopped}");
    let done = run(&bed.kubeconfig()).await.exits(0).stdout;
    assert_eq!(done.matches(restart).count(), 1, "{done}");
    let end = format!("Done.\nNext: meshdoctor check --context bed -n {namespace}\n");
    assert!(done.ends_with(&end), "{done}");
    let quiet = meshdoctor("system redeploy broker --yes --no-wait --wait 30s --quiet")
        .args(&["-n", namespace, FORCE])
        .kubeconfig(&bed.kubeconfig())
        .run_beside()
        .await
        .exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("Done.\n", ""));
    Ok(())
}

/// The plan fits on the disk, but the outcome does not.
#[tokio::test]
async fn unwritable_outcome_is_not_a_success() -> Result<()> {
    let bed = bed::lease().await?;
    let namespace = bed.namespace();
    let mut stack = states::apply("healthy", &bed, namespace).await?.context("a stack")?;
    let _controller = stack.start_controller()?;
    bed.crds_will_change().await;
    for (format, after) in [("json", 0), ("yaml", 0), ("table", 0), ("json", 1)] {
        let fault = if after == 0 { Fault::None } else { Fault::after_write(after, Action::ShutDown) };
        let proxy = FaultProxy::start(&bed, users::ADMIN, fault)?;
        let out = bed.file(&format!("out-{format}-{after}-{namespace}"));
        // Three blocks of 512 bytes are too small for a document, and one block more than the plan is too small for the
        // outcome.
        let plan = meshdoctor("system redeploy broker --yes --dry-run -n")
            .arg(namespace)
            .arg(FORCE)
            .kubeconfig(&proxy.kubeconfig)
            .run_beside()
            .await
            .exits(0);
        let full = plan.stdout.len().next_multiple_of(512);
        let padding = if format == "table" {
            full - plan.stdout.len() + "Nothing was changed: this was a dry run.\n".len()
        } else {
            full - 1
        };
        std::fs::write(&out, vec![b' '; padding])?;
        let mut tool = meshdoctor("");
        let program = tool.command().get_program().to_owned();
        let script = format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$1\" system redeploy broker --yes --no-wait --wait 30s {FORCE} -o {format} -n {namespace} >>\"$2\"",
            full / 512
        );
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &script, "sh"])
            .arg(program)
            .arg(&out)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", bed.file("nowhere"))
            .env("KUBECONFIG", &proxy.kubeconfig);
        let output = tokio::task::spawn_blocking(move || shell.output()).await??;
        let stderr = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(5), "{format}: {stderr}");
        let far = if after == 0 { "everything is done" } else { "not done: " };
        assert!(stderr.contains("cannot write to standard output") && stderr.contains(far), "{format}: {stderr}");
        assert!(proxy.writes() > 0, "{format}");
    }
    Ok(())
}
