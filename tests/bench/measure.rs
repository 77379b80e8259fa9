//! What a program costs as a whole process: wall time, processor time and peak memory, as the kernel accounts them.
//!
//! The kernel counts towards a child's peak memory also that of the process it was forked from, so the children are
//! started by this very program in another guise ([`launch`]), which has next to none and measures one of them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// The argument under which this program is a launcher.
pub(crate) const LAUNCH: &str = "--launch";

/// How often each program is run before its runs count.
const WARM_UP: usize = 3;

/// What one process has cost.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// From its start until it was reaped.
    pub(crate) wall: Duration,
    /// User and system time, its children's included.
    pub(crate) cpu: Duration,
    /// The largest resident set, in bytes.
    pub(crate) memory: u64,
    /// The exit code.
    pub(crate) code: Option<i32>,
}

/// A program with its arguments and the whole of its environment.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    program: PathBuf,
    args: Vec<String>,
    kubeconfig: PathBuf,
    home: PathBuf,
    /// The exit code without which the figures mean nothing.
    expected: i32,
}

impl Run {
    /// A program, its arguments split at white space.
    pub(crate) fn of(program: &Path, args: &str, kubeconfig: &Path, home: &Path) -> Self {
        Self {
            program: program.into(),
            args: args.split_whitespace().map(str::to_owned).collect(),
            kubeconfig: kubeconfig.into(),
            home: home.into(),
            expected: 0,
        }
    }

    /// The same with another exit code expected.
    pub(crate) fn exits(mut self, code: i32) -> Self {
        self.expected = code;
        self
    }

    /// Runs it once, unmeasured, and returns what it said on standard error.
    pub(crate) fn stderr(&self) -> Result<String> {
        let output = self.environment(Command::new(&self.program).args(&self.args)).output()?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs it once and measures it.
    pub(crate) fn once(&self) -> Result<Cost> {
        let mut launcher = Command::new(std::env::current_exe()?);
        launcher.arg(LAUNCH).arg(&self.program).args(&self.args);
        let output = self.environment(&mut launcher).stderr(Stdio::inherit()).output()?;
        let cost: Cost = serde_json::from_slice(&output.stdout).with_context(|| {
            let program = self.program.display();
            format!("{program} could not be launched")
        })?;
        ensure!(
            cost.code == Some(self.expected),
            "{} {} ended with {:?} where {} is expected: {}",
            self.program.display(),
            self.args.join(" "),
            cost.code,
            self.expected,
            self.stderr()?.trim()
        );
        Ok(cost)
    }

    /// Nothing of the surrounding environment gets in: no proxy, no other cluster.
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

/// Measures programs against each other: one run of each in turn, so that whatever else the machine does meets all of
/// them alike. Returns the median of each figure.
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

/// The other guise: runs one program with its output thrown away and prints what it has cost.
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
