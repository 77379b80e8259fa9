//! Everything that can go wrong before a verdict: one clear sentence, the right exit code, one valid document.

mod api_server;
mod control_characters;
mod fake;
mod files;
mod http1;
mod input;
mod kubeconfig;
mod nats;
mod output;
mod plugin;
mod process;
mod proxy;
mod secrets;
mod seeded;
mod streams;
mod tls;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tool::{Ran, Tool, meshdoctor, roots};

/// A scratch folder with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a scratch folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// An executable file.
    fn script(&self, name: &str, lines: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(name, format!("#!/bin/sh\n{lines}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a script");
        path
    }
}

/// A kubeconfig with one context; `cluster` and `user` are the inner parts of flow mappings.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: there
  cluster: {{{cluster}}}
contexts:
- name: here
  context: {{cluster: there, user: me}}
current-context: here
users:
- name: me
  user: {{{user}}}
"
    )
}

/// Asserts that a text is one sentence for people: one line, no Rust debug output, no repetition.
#[track_caller]
fn assert_sentence(text: &str) {
    let text = text.trim_end();
    assert!(!text.is_empty(), "the text is empty");
    assert!(!text.contains('\n'), "more than one line: {text}");
    assert!(text.chars().count() < 500, "far too long: {text}");
    for rust in [
        "Some(",
        "Ok(",
        "Err(",
        "Error(",
        "Error {",
        "Os {",
        "Custom {",
        "kind:",
        "os error",
        "hyper::",
        "kube::",
        "Elapsed",
        "error: error",
        "client error",
        "\\\"",
    ] {
        assert!(!text.contains(rust), "{rust:?} is Rust debug output: {text}");
    }
    let mut parts: Vec<&str> = text.split(": ").map(str::trim).collect();
    let all = parts.len();
    parts.sort_unstable();
    parts.dedup();
    assert_eq!(parts.len(), all, "repeats itself: {text}");
}

/// Expects a usage error: exit code 2, nothing on standard output, one sentence on standard error. Returns the
/// sentence.
#[track_caller]
fn usage(tool: Tool) -> String {
    let ran = tool.run().exits(2);
    assert_eq!(ran.stdout, "", "no document for a usage error");
    let sentence = ran.stderr.strip_prefix("error: ").unwrap_or_else(|| panic!("no error: {}", ran.stderr));
    assert_sentence(sentence);
    sentence.trim_end().to_owned()
}

/// Checks the report of a run with `-o json` that could not determine the states. Returns its root finding.
#[track_caller]
fn obstacle_of(ran: Ran, code: &str) -> Value {
    let ran = ran.exits(3);
    let report = ran.json();
    assert_eq!(report["exitCode"], 3);
    assert_eq!(report["verdict"], "unknown");
    assert_eq!(roots(&report), [code], "{report:#}");
    let finding = found(&report, code);
    assert_eq!(finding["kind"], "obstacle");
    assert_sentence(&title(&finding));
    assert_sentence(finding["message"].as_str().unwrap_or_default());
    assert_sentence(finding["remedy"]["text"].as_str().unwrap_or_default());
    if !ran.stderr.is_empty() {
        assert_sentence(&ran.stderr);
    }
    finding
}

/// Runs `check` with `-o json` and expects this obstacle.
#[track_caller]
fn obstacle(tool: Tool, code: &str) -> Value {
    obstacle_of(tool.arg("-o").arg("json").run(), code)
}

/// The finding with this code in a report.
#[track_caller]
fn found(report: &Value, code: &str) -> Value {
    report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {report:#}"))
        .clone()
}

#[track_caller]
fn title(finding: &Value) -> String {
    finding["title"].as_str().expect("a title").to_owned()
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

/// `system check` with this kubeconfig in the environment.
fn check(kubeconfig: &Path) -> Tool {
    meshdoctor("system check").kubeconfig(kubeconfig)
}

/// `system check` of a namespace of the bed, as the user of this kubeconfig.
fn check_bed(kubeconfig: &Path, namespace: &str) -> Tool {
    check(kubeconfig).arg("--namespace").arg(namespace)
}
