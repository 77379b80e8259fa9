//! The cost of a whole process: wall time, CPU time and peak memory, as counted by the kernel.
//!
//! The kernel includes the memory of the forking process in a child's peak memory. Therefore this program starts itself
//! again as a launcher ([`launch`]), which uses almost no memory, starts one program and measures it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// The argument that makes this program a launcher.
pub(crate) const LAUNCH: &str = "--launch";

/// The number of runs of each program that are not counted.
const WARM_UP: usize = 3;

/// The cost of one process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// The time from start to exit.
    pub(crate) wall: Duration,
    /// User and system time, including children.
    pub(crate) cpu: Duration,
    /// The maximum resident set size in bytes.
    pub(crate) memory: u64,
    /// The exit code.
    pub(crate) code: Option<i32>,
}

/// A program with its arguments and its complete environment.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    program: PathBuf,
    args: Vec<String>,
    kubeconfig: PathBuf,
    home: PathBuf,
    /// The expected exit code; with another one, the figures are meaningless.
    expected: i32,
}

impl Run {
    /// A program with its arguments, which are split at whitespace.
    pub(crate) fn of(program: &Path, args: &str, kubeconfig: &Path, home: &Path) -> Self {
        Self {
            program: program.into(),
            args: args.split_whitespace().map(str::to_owned).collect(),
            kubeconfig: kubeconfig.into(),
            home: home.into(),
            expected: 0,
        }
    }

    /// The same program with another expected exit code.
    pub(crate) fn exits(mut self, code: i32) -> Self {
        self.expected = code;
        self
    }

    /// Runs the program once without measuring it, and returns its standard error.
    pub(crate) fn stderr(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.output()?.stderr).into_owned())
    }

    /// Runs the program once without measuring it, and returns its standard output.
    pub(crate) fn stdout(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.output()?.stdout).into_owned())
    }

    fn output(&self) -> Result<Output> {
        Ok(self.environment(Command::new(&self.program).args(&self.args)).output()?)
    }

    /// Runs the program once and measures it.
    pub(crate) fn once(&self) -> Result<Cost> {
        let mut launcher = Command::new(std::env::current_exe()?);
        launcher.arg(LAUNCH).arg(&self.program).args(&self.args);
        let output = self.environment(&mut launcher).stderr(Stdio::inherit()).output()?;
        let cost: Cost = serde_json::from_slice(&output.stdout).with_context(|| {
            let program = self.program.display();
            format!("cannot start {program}")
        })?;
        ensure!(
            cost.code == Some(self.expected),
            "{} {} exited with {:?}, expected {}: {}",
            self.program.display(),
            self.args.join(" "),
            cost.code,
            self.expected,
            self.stderr()?.trim()
        );
        Ok(cost)
    }

    /// Clears the environment, so that no proxy and no other cluster is used.
    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.home)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
    }
}

/// Compares programs. They run in turn, so that other load on the machine affects all of them equally. Returns the
/// median of each figure.
pub(crate) fn compare<const N: usize>(runs: [&Run; N], count: usize) -> Result<[Cost; N]> {
    for _ in 0..WARM_UP {
        for run in runs {
            run.once()?;
        }
    }
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..count.max(1) {
        for (run, samples) in runs.iter().zip(&mut samples) {
            samples.push(run.once()?);
        }
    }
    Ok(samples.map(|samples| Cost {
        wall: median(&samples, |cost| cost.wall),
        cpu: median(&samples, |cost| cost.cpu),
        memory: median(&samples, |cost| cost.memory),
        code: samples[0].code,
    }))
}

fn median<T: Ord + Copy>(samples: &[Cost], figure: impl Fn(&Cost) -> T) -> T {
    let mut figures: Vec<T> = samples.iter().map(figure).collect();
    figures.sort_unstable();
    figures[figures.len() / 2]
}

/// The launcher: runs one program, discards its output and prints its cost.
pub(crate) fn launch(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(program) = args.next() else {
        return ExitCode::FAILURE;
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let used = match command.spawn().and_then(|mut child| child.wait4()) {
        Ok(used) => used,
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().display());
            return ExitCode::FAILURE;
        }
    };
    let cost = Cost {
        wall: start.elapsed(),
        cpu: used.rusage.utime + used.rusage.stime,
        memory: used.rusage.maxrss,
        code: used.status.code(),
    };
    match serde_json::to_string(&cost) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}
