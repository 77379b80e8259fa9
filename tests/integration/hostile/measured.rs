//! A run whose time and memory are measured, and the rules that every run obeys.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{schema, tool::Tool};

/// The time limit for a command on a busy machine.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The memory limit for a command, in KiB: 64 MiB, plus what a debug build needs by itself.
const MEMORY: u64 = (64 + 32) * 1024;

/// The maximum size of a document, in bytes. A recording contains every object of the namespace.
const DOCUMENT: usize = 500_000;

/// The result of one command.
pub(crate) struct Measured {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The peak memory, in KiB.
    pub(crate) memory: u64,
    pub(crate) took: Duration,
}

impl Measured {
    /// Runs the program to its end.
    pub(crate) fn run(mut tool: Tool) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (out, err) = (folder.path().join("out"), folder.path().join("err"));
        let started = Instant::now();
        let mut child = tool
            .command()
            .stdin(Stdio::null())
            .stdout(fs::File::create(&out).expect("a file"))
            .stderr(fs::File::create(&err).expect("a file"))
            .spawn()
            .expect("the program starts");
        let mut memory = 0;
        let status = loop {
            memory = peak(child.id()).unwrap_or(memory);
            if let Some(status) = child.try_wait().expect("the program's state") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Self {
            code: status.code().unwrap_or(-1),
            stdout: fs::read_to_string(&out).expect("text on standard output"),
            stderr: fs::read_to_string(&err).expect("text on standard error"),
            memory,
            took: started.elapsed(),
        }
    }
}

/// The peak memory of a process so far, in KiB. The system's count at the end of the process would include the memory
/// of the test from which it was forked.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The rules that a run breaks. The secrets must not be in what it prints.
pub(crate) fn faults(command: &str, ran: &Measured, wanted: i32, secrets: &[&str]) -> Vec<String> {
    faults_within(TIME_LIMIT, command, ran, wanted, secrets)
}

/// The same with another time limit.
pub(crate) fn faults_within(
    limit: Duration,
    command: &str,
    ran: &Measured,
    wanted: i32,
    secrets: &[&str],
) -> Vec<String> {
    let mut faults = Vec::new();
    if ran.code != wanted {
        let roots = serde_json::from_str::<Value>(&ran.stdout)
            .map(|document| format!("{} {}", document["rootCauses"], document["reason"]))
            .unwrap_or_default();
        let took = ran.took;
        // What `-v` says about a port-forward shows which route failed, and how.
        let routes: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("port-forward")).collect();
        let routes = routes.join("\n    ");
        faults.push(format!("exit code {}, not {wanted}, after {took:.1?}: {roots}\n    {routes}", ran.code));
    }
    if ran.took > limit {
        faults.push(format!("took {:?}", ran.took));
    }
    if ran.stdout.len() > DOCUMENT {
        faults.push(format!("a document of {} bytes", ran.stdout.len()));
    }
    if ran.memory > MEMORY {
        faults.push(format!("took {} KiB", ran.memory));
    }
    let said = format!("{}{}", ran.stdout, ran.stderr);
    if said.contains("panicked") {
        faults.push("a panic".into());
    }
    faults.extend(secrets.iter().filter(|secret| said.contains(**secret)).map(|secret| format!("the secret {secret}")));
    if let Some(bad) = said.chars().find(|c| c.is_control() && *c != '\n') {
        faults.push(format!("a control character: {bad:?}"));
    }
    if command.contains("json") {
        match serde_json::from_str::<Value>(&ran.stdout) {
            Ok(document) => {
                if document["exitCode"] != ran.code {
                    faults.push(format!("the document says {}", document["exitCode"]));
                }
                // The schema is for reports. A watch-list document is not a report.
                if document["kind"] != "WatchList" {
                    let is_change = document["kind"] == "Change";
                    let schema = if is_change { schema::change_validator() } else { schema::validator() };
                    let misfits = schema.iter_errors(&document);
                    let misfits = misfits.map(|error| format!("{}: {error}", error.instance_path()));
                    faults.extend(misfits);
                }
            }
            Err(error) => faults.push(format!("no JSON document: {error}")),
        }
    } else if let Err(error) = serde_yaml::from_str::<Value>(&ran.stdout) {
        faults.push(format!("no document: {error}"));
    }
    faults
}
