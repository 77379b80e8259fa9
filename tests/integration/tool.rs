//! The program under test, run as a user would run it, in an isolated environment.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// A prepared run. It inherits nothing from the environment but `PATH`.
pub(crate) struct Tool {
    command: Command,
    stdin: Option<String>,
    _home: tempfile::TempDir,
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Sends a signal to a process, by name.
pub(crate) fn signal(pid: u32, name: &str) {
    // A process that has just ended cannot receive it.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name])
        .arg(pid.to_string())
        .status()
        .expect("a shell");
}

/// The program with these arguments, split at whitespace.
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
    /// Adds one argument, unchanged.
    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments, unchanged.
    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds one environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the kubeconfig in the environment.
    pub(crate) fn kubeconfig(self, path: &Path) -> Self {
        self.env("KUBECONFIG", path)
    }

    /// Sets the text on standard input.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// The underlying command, for what the builder does not offer.
    pub(crate) fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Runs the program to its end.
    pub(crate) fn run(self) -> Ran {
        self.run_with_pid(|_| ())
    }

    /// Runs the program to its end. Calls `on_start` with its process id at the start.
    pub(crate) fn run_with_pid(mut self, on_start: impl FnOnce(u32)) -> Ran {
        self.command
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        on_start(child.id());
        if let (Some(text), Some(mut stdin)) = (self.stdin.take(), child.stdin.take()) {
            // A program that does not read all of it does not fail the test.
            let _ = stdin.write_all(text.as_bytes());
        }
        let output = child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text on standard output"),
            stderr: String::from_utf8(output.stderr).expect("text on standard error"),
        }
    }

    /// Runs the program while the async test continues, for example to act as the server.
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

    /// The single JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("one JSON document: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }
}

/// The states of a report as `OPERATOR/MESHSYNC/BROKER`. A trailing `+` means "at least".
pub(crate) fn states(report: &Value) -> String {
    ["operator", "meshsync", "broker"]
        .map(|component| {
            let component = &report["components"][component];
            let plus = if component["atLeast"] == true { "+" } else { "" };
            format!("{}{plus}", component["state"].as_str().unwrap_or("-"))
        })
        .join("/")
}

/// The codes of the root causes above severity `info`, most important first.
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
