//! A user who types at a terminal. The pseudoterminal is real: `script` creates it.

use std::{
    ffi::OsStr,
    io::{Read as _, Write as _},
    num::NonZero,
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
/// Ctrl-D: end of input.
pub(super) const CTRL_D: &str = "\u{4}";

/// One run of the program in a pseudoterminal.
pub(super) struct PtySession {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<String>>,
    // Dropping the tool removes its temporary home directory.
    _tool: Tool,
}

impl PtySession {
    /// Starts a run. The first line on the screen is the process ID.
    pub(super) fn start(mut tool: Tool) -> Result<Self> {
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

    /// Everything that was printed so far.
    pub(super) fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until this text was printed.
    pub(super) async fn until_shown(&self, words: &str) -> Result<()> {
        bed::until(words, Duration::from_secs(30), || async { Ok(self.screen().contains(words).then_some(())) })
            .await
            .with_context(|| self.screen())
    }

    /// Types these keys.
    pub(super) fn type_in(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// Sends a signal to the program only, by name.
    pub(super) fn send(&self, signal: &str) -> Result<()> {
        let screen = self.screen();
        let pid =
            screen.lines().find_map(|line| line.trim().strip_prefix("pid ")).context("no process ID on the screen")?;
        tool::signal(pid.parse()?, signal);
        Ok(())
    }

    /// Waits for the program to exit; returns the exit code and everything that was printed.
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

impl Drop for PtySession {
    fn drop(&mut self) {
        // Closing the terminal ends the program.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows after these bytes, all lines that scrolled away included, without trailing spaces.
pub(super) fn emulated(bytes: &str) -> String {
    emulated_at(bytes, 200)
}

/// The same, at this width. The program assumes 80 columns, because the terminal has no size.
pub(super) fn emulated_at(bytes: &str, columns: u16) -> String {
    let [rows, width] = [400, columns].map(|size| NonZero::new(size).expect("a size"));
    let mut terminal = vt100::Parser::new(rows, width, 0);
    terminal.process(bytes.as_bytes());
    let lines: Vec<String> = terminal.screen().rows(0, columns).map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// A word, quoted for the shell.
fn quoted(word: &OsStr) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"))
}
