//! The program under test, run as a user would, in an environment of its own.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// A run in the making. Nothing of the surrounding environment gets in but the PATH.
pub(crate) struct Tool {
    command: Command,
    stdin: Option<String>,
    _home: tempfile::TempDir,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Sends a process a signal, by name.
pub(crate) fn signal(pid: u32, name: &str) {
    // A process that has just ended cannot get it.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name])
        .arg(pid.to_string())
        .status()
        .expect("a shell");
}

/// The program with these arguments, split at white space.
pub(crate) fn meshdoctor(arguments: &str) -> Tool {
    let home = tempfile::tempdir().expect("a scratch folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshdoctor"));
    command
        .args(arguments.split_whitespace())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("LANG", "C.UTF-8")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    Tool { command, stdin: None, _home: home }
}

impl Tool {
    /// One more argument, taken as it is.
    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// More arguments, taken as they are.
    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// One more variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The kubeconfig, through the environment.
    pub(crate) fn kubeconfig(self, path: &Path) -> Self {
        self.env("KUBECONFIG", path)
    }

    /// What stands on standard input.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// The command itself, for what the builder does not offer.
    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ran {
        self.run_telling(|_| ())
    }

    /// Runs it to its end, and tells its process id before that.
    pub(crate) fn run_telling(mut self, tell: impl FnOnce(u32)) -> Ran {
        self.command
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        tell(child.id());
        if let (Some(text), Some(mut stdin)) = (self.stdin.take(), child.stdin.take()) {
            // A program that does not read it all is no fault of the test's.
            let _ = stdin.write_all(text.as_bytes());
        }
        let output = child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text on standard output"),
            stderr: String::from_utf8(output.stderr).expect("text on standard error"),
        }
    }

    /// Runs it while the async test goes on, as when the test itself plays the server.
    pub(crate) async fn run_beside(self) -> Ran {
        tokio::task::spawn_blocking(move || self.run()).await.expect("the run ends")
    }
}

impl Ran {
    /// Fails unless the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("one JSON document: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }
}

/// The states of a report as `OPERATOR/MESHSYNC/BROKER`; a trailing `+` marks "at least".
pub(crate) fn states(report: &Value) -> String {
    ["operator", "meshsync", "broker"]
        .map(|component| {
            let component = &report["components"][component];
            let plus = if component["atLeast"] == true { "+" } else { "" };
            format!("{}{plus}", component["state"].as_str().unwrap_or("-"))
        })
        .join("/")
}

/// The codes of the root causes that are no mere information, most important first.
pub(crate) fn roots(report: &Value) -> Vec<String> {
    let is_information = |id: &&str| {
        report["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|finding| finding["id"] == **id && finding["severity"] == "info")
    };
    report["rootCauses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|id| !is_information(id))
        .map(|id| id.split(['/', '#']).next().unwrap_or_default().to_owned())
        .collect()
}
