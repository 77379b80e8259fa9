//! The program that starts the test cluster by hand: on its clusters, everything in the README works.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{at, check};
use crate::{
    bed::{
        self,
        states::{self, Running},
    },
    tool::{Ran, meshdoctor, roots, signal, states as shown},
};

/// A run of the program in one state. It also ends when its input is closed, which a failed test does.
struct BedProgram {
    child: Child,
    output: BufReader<ChildStdout>,
    instructions: String,
}

impl BedProgram {
    /// Starts the program; returns when it has printed how to use the cluster.
    fn start(state: &str) -> Result<Self> {
        let mut child = Command::new(bed::example("bed")?)
            .args([state, "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut instructions = String::new();
        while !instructions.contains("Ctrl-C stops") {
            ensure!(output.read_line(&mut instructions)? > 0, "the program ended after {instructions:?}");
        }
        Ok(Self { child, output, instructions })
    }

    /// The value that the instructions export for a variable.
    fn exported(&self, variable: &str) -> Result<&str> {
        let prefix = format!("export {variable}=");
        let value = self.instructions.lines().find_map(|line| line.trim().strip_prefix(&prefix));
        Ok(value.with_context(|| format!("no {variable} in\n{}", self.instructions))?.trim_matches('"'))
    }

    /// The commands in the instructions, in their order, without the name of the program.
    fn commands(&self) -> Vec<String> {
        commands(&self.instructions)
    }

    /// Ends the program as Ctrl-C does.
    fn stop(mut self) -> Result<()> {
        let folder = Path::new(self.exported("KUBECONFIG")?).parent().context("a folder")?.to_owned();
        signal(self.child.id(), "INT");
        let status = self.child.wait()?;
        assert!(status.success(), "{status}");
        assert!(!folder.exists(), "{} is left", folder.display());
        let mut last = String::new();
        while self.output.read_line(&mut last)? > 0 {}
        assert_eq!(last.trim(), "The cluster is stopped and its files are removed.");
        Ok(())
    }
}

fn commands(text: &str) -> Vec<String> {
    let arguments = text.lines().filter_map(|line| line.trim().strip_prefix("meshdoctor "));
    arguments.map(str::to_owned).collect()
}

/// A user of the cluster, with a working directory.
struct User {
    kubeconfig: PathBuf,
    directory: tempfile::TempDir,
}

impl User {
    fn of(program: &BedProgram) -> Result<Self> {
        Ok(Self { kubeconfig: program.exported("KUBECONFIG")?.into(), directory: tempfile::tempdir()? })
    }

    fn run(&self, arguments: &str) -> Ran {
        let mut tool = meshdoctor(arguments).kubeconfig(&self.kubeconfig);
        tool.command().current_dir(self.directory.path());
        tool.run()
    }

    /// `check`, which must find a healthy stack with connected components.
    #[track_caller]
    fn assert_healthy(&self) {
        let report = self.run("check -o json").exits(0).json();
        assert_eq!(report["verdict"], "healthy", "{:#}", report["findings"]);
        assert_eq!(shown(&report), "DEPLOYED/CONNECTED/CONNECTED");
    }

    /// `test dataflow`, in which each event must arrive.
    #[track_caller]
    fn assert_events_flow(&self) {
        let report = self.run("test dataflow -o json").exits(0).json();
        assert_eq!(report["verdict"], "healthy", "{:#}", report["findings"]);
    }

    /// A command that changes the cluster, which must end with this outcome.
    #[track_caller]
    fn assert_change(&self, arguments: &str, outcome: &str) -> Value {
        let document = self.run(&format!("{arguments} --yes -o json")).exits(0).json();
        assert_eq!(document["outcome"], outcome, "{document:#}");
        document
    }

    /// The names of the stack's objects in the namespace.
    fn objects(&self) -> Result<String> {
        let output = Command::new(bed::program("kubectl")?)
            .args(["--namespace", "meshery", "get", "--output=name"])
            .arg("deployments,statefulsets,services,secrets,serviceaccounts,roles,brokers,meshsyncs")
            .env("KUBECONFIG", &self.kubeconfig)
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{error}");
        Ok(String::from_utf8(output.stdout)?)
    }
}

#[test]
fn healthy_bed_can_be_tested_reset_and_redeployed() -> Result<()> {
    let program = BedProgram::start("healthy")?;
    let user = User::of(&program)?;
    user.assert_healthy();
    user.assert_events_flow();
    user.run("check --preflight").exits(0);
    user.assert_change("system redeploy", "unchanged");
    user.run("record recording.json").exits(0);
    user.run("check --from recording.json").exits(0);
    assert!(user.objects()?.contains("/meshery-nats"));
    user.assert_change("system reset stack", "done");
    assert_eq!(user.objects()?, "serviceaccount/default\n");
    user.assert_change("system redeploy", "done");
    user.assert_healthy();
    user.assert_events_flow();
    program.stop()
}

#[test]
fn empty_bed_can_be_deployed_and_reset() -> Result<()> {
    let program = BedProgram::start("nothing-installed")?;
    let user = User::of(&program)?;
    let report = user.run("check -o json").exits(1).json();
    assert_eq!(shown(&report), "NOTDEPLOYED/UNDEPLOYED/UNDEPLOYED");
    user.run("check --preflight").exits(0);
    user.assert_change("system redeploy", "done");
    user.assert_healthy();
    user.assert_events_flow();
    user.assert_change("system redeploy", "unchanged");
    user.assert_change("system reset stack --crds", "done");
    user.assert_change("system redeploy", "done");
    user.assert_healthy();
    program.stop()
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn redeploy_fixes_the_states_that_react_to_changes() -> Result<()> {
    for name in ["orphaned-no-operator", "stuck-terminating", "undeployed-crs-absent", "connected-but-blind-rbac"] {
        let bed = bed::lease().await?;
        let running = states::run(name, &bed, bed.namespace()).await?;
        assert!(matches!(running, Running::Working(_)), "{name}");
        let report = check(&bed, bed.namespace()).await;
        assert_eq!(roots(&report).join(" "), states::named(name)?.causes, "{name}: {:#}", report["findings"]);
        let redeployed = at(&bed, bed.namespace(), "system redeploy --yes -o json").run_beside().await.exits(0).json();
        assert_eq!(redeployed["outcome"], "done", "{name}: {redeployed:#}");
        let report = check(&bed, bed.namespace()).await;
        assert_eq!(report["verdict"], "healthy", "{name}: {:#}", report["findings"]);
    }
    Ok(())
}

#[test]
fn instructions_of_the_bed_contain_the_five_tasks_of_the_readme() -> Result<()> {
    let program = BedProgram::start("nothing-installed")?;
    let readme = fs::read_to_string("README.md")?;
    let tasks = readme.split("\n## ").find(|section| section.starts_with("Five tasks")).context("no tasks")?;
    let printed = program.commands();
    let wanted = commands(tasks);
    assert!(wanted.len() > 5, "{wanted:?}");
    for command in wanted {
        assert!(printed.contains(&command), "{command} is not in\n{}", program.instructions);
    }
    let first = program.exported("PATH")?.split(':').next().unwrap_or_default();
    assert!(Path::new(first).join("meshdoctor").exists(), "{first} does not contain the program");
    program.stop()
}
