//! One program of the cluster. It never outlives the process that started it.
//!
//! A short shell script supervises each program. The shell reads from a pipe whose write end only this process has.
//! When this process ends in any way (return, panic, Ctrl-C, SIGKILL), the kernel closes the pipe and the shell kills
//! the program. The shell has its own process group, so that Ctrl-C in a terminal reaches only the test process, which
//! then stops the programs in order.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};

/// Arguments: the log file, then the program and its arguments. Prints the program's process ID, then waits for its
/// end.
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
    /// Starts a program. Its environment is only `PATH`, `HOME` (the log's folder) and `env`: proxies and kubeconfigs
    /// of the user who runs the tests must not affect it.
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
        let pid = line.trim().parse().with_context(|| format!("no process ID of {name}: {line:?}"))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), pid, supervisor: Mutex::new(supervisor) })
    }

    /// The name of the program, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process ID of the program, not of its shell.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The exit status, if the program has ended.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.supervisor().try_wait().ok().flatten()
    }

    /// Kills the program and waits for its end.
    pub fn kill(&self) {
        let mut supervisor = self.supervisor();
        drop(supervisor.stdin.take());
        let _ = supervisor.wait();
    }

    /// Pauses the program: its sockets stay open but nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.signal("STOP")?;
        // Signals are delivered asynchronously: the program may answer until all its threads have stopped.
        for _ in 0..500 {
            if self.is_paused()? {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        anyhow::bail!("{} did not pause", self.name)
    }

    /// Whether all threads of the program are stopped.
    fn is_paused(&self) -> Result<bool> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let stat = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            // The state follows the program's name, which is in parentheses and may contain any character.
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            if !matches!(state, None | Some('T')) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Resumes a paused program.
    pub fn resume(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// The last lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Sends a signal, by name.
    pub fn signal(&self, signal: &str) -> Result<()> {
        ensure!(self.exit_status().is_none(), "{} has ended", self.name);
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
