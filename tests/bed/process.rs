//! One program of the cluster, which never outlives the process that started it.
//!
//! Each program runs under a few lines of shell. The shell holds the reading end of a pipe whose writing end only this
//! process has: when this process ends, in whatever way (return, panic, Ctrl-C, SIGKILL), the kernel closes the pipe and
//! the shell kills the program. The shell leads a process group of its own, so that a terminal's Ctrl-C reaches
//! only the test process, which then takes the programs down in good order.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};

/// Arguments: the log file, then the program and its arguments. Prints the program's pid, then waits for its end.
const SUPERVISOR: &str = r#"
log=$1; shift
exec 3<&0 </dev/null
"$@" >>"$log" 2>&1 3<&- &
program=$!
echo "$program"
exec >/dev/null
{ read -r _ <&3; kill -KILL "$program"; } &
watcher=$!
exec 3<&-
wait "$program"
status=$?
kill "$watcher"
exit "$status"
"#;

/// A running program; killed and waited for on drop.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    pid: u32,
    supervisor: Mutex<Child>,
}

impl Process {
    /// Starts a program with no environment but `PATH`, `HOME` (the log's folder) and what is given: proxies and
    /// kubeconfigs of the person who runs the tests must not reach it.
    pub fn start(name: &str, log: &Path, program: &Path, args: &[String], env: &[(&str, String)]) -> Result<Self> {
        let home = log.parent().unwrap_or(Path::new("/"));
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(log)
            .arg(program)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .envs(env.iter().map(|(key, value)| (key, value)))
            .current_dir(home)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start a shell for {name}"))?;
        let mut line = String::new();
        let stdout = supervisor.stdout.take().context("the shell has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let pid = line.trim().parse().with_context(|| format!("no process id of {name}: {line:?}"))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), pid, supervisor: Mutex::new(supervisor) })
    }

    /// The name under which it is spoken of.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program's own process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its status when it has ended by itself or was killed.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.supervisor().try_wait().ok().flatten()
    }

    /// Kills it and returns when it is gone.
    pub fn kill(&self) {
        let mut supervisor = self.supervisor();
        drop(supervisor.stdin.take());
        let _ = supervisor.wait();
    }

    /// Freezes it: its sockets stay open and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.signal("STOP")?;
        // The signal only asks: until every thread has stopped, it may still answer.
        for _ in 0..500 {
            if self.is_frozen()? {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        anyhow::bail!("{} did not stop", self.name)
    }

    /// Whether every thread of it is stopped.
    fn is_frozen(&self) -> Result<bool> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let stat = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            // The state follows the program's name, which is in brackets and may hold anything.
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            if !matches!(state, None | Some('T')) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets a frozen one go on.
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, signal: &str) -> Result<()> {
        ensure!(self.ended().is_none(), "{} has ended", self.name);
        let status =
            Command::new("sh").args(["-c", r#"kill -s "$1" "$2""#, "sh", signal, &self.pid.to_string()]).status()?;
        ensure!(status.success(), "cannot send SIG{signal} to {}", self.name);
        Ok(())
    }

    fn supervisor(&self) -> MutexGuard<'_, Child> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
