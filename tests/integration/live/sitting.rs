//! Somebody who sits at a terminal and types. The terminal is a real one: `script` makes it.

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    bed,
    tool::{self, Tool},
};

/// Ctrl-C, as the keyboard sends it.
pub(super) const CTRL_C: &str = "\u{3}";
/// Ctrl-D: there is no more to come.
pub(super) const CTRL_D: &str = "\u{4}";

/// One run at a terminal.
pub(super) struct Sitting {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<String>>,
    // Its scratch home goes with it.
    _tool: Tool,
}

impl Sitting {
    /// Begins a run. The first thing on the screen is its process id.
    pub(super) fn begin(mut tool: Tool) -> Result<Self> {
        let command = tool.command();
        let words: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--flush", "--command"])
            .arg(format!("echo pid $$; exec {}", words.join(" ")))
            .arg("/dev/null")
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = script.spawn().context("script, of util-linux")?;
        let keyboard = child.stdin.take().context("a keyboard")?;
        let mut output = child.stdout.take().context("a screen")?;
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Ok(Self { child, keyboard, screen, _tool: tool })
    }

    /// What the screen has shown up to now.
    pub(super) fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until these words are on the screen.
    pub(super) async fn until_shown(&self, words: &str) -> Result<()> {
        bed::until(words, Duration::from_secs(30), || async { Ok(self.screen().contains(words).then_some(())) })
            .await
            .with_context(|| self.screen())
    }

    /// Types.
    pub(super) fn type_in(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// Sends the program, and nobody else, a signal by name.
    pub(super) fn send(&self, signal: &str) -> Result<()> {
        let screen = self.screen();
        let pid =
            screen.lines().find_map(|line| line.trim().strip_prefix("pid ")).context("no process id on the screen")?;
        tool::signal(pid.parse()?, signal);
        Ok(())
    }

    /// Waits for the end: the exit code, and all that was shown.
    pub(super) async fn end(mut self) -> Result<(i32, String)> {
        let status = bed::until("the run to end", Duration::from_secs(90), || {
            let status = self.child.try_wait();
            async { Ok(status?) }
        })
        .await
        .with_context(|| self.screen())?;
        Ok((status.code().unwrap_or(-1), self.screen()))
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        // Who leaves the terminal takes the program with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A word as the shell takes it.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}
