//! Makes nats-server read its configuration again when the file has changed: sends SIGHUP to the process in the PID file.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// Runs until it is killed.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let value = |flag: &str| {
        let position = arguments.iter().position(|argument| argument == flag);
        position.and_then(|position| arguments.get(position + 1)).with_context(|| format!("{flag} is missing"))
    };
    let (pid, config) = (value("-pid")?, value("-config")?);
    let mut last = fs::read_to_string(config)?;
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = fs::read_to_string(config)?;
        if now != last {
            let pid = fs::read_to_string(pid)?;
            let pid = pid.trim().parse().ok().and_then(Pid::from_raw).context("the PID file contains no PID")?;
            kill_process(pid, Signal::HUP)?;
            eprintln!("the configuration has changed; sent SIGHUP");
            last = now;
        }
    }
}
