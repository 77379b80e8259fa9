//! How an interrupted run ends: signals and panics.

use std::{
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use clap::Parser as _;
use serde_json::Value;

use super::{Folder, fake::Fake, kubeconfig};
use crate::{
    schema,
    tool::{Tool, meshdoctor, roots},
};

const SIGNALS: [(&str, i32); 4] = [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)];

fn send(name: &str, child: &Child) {
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name])
        .arg(child.id().to_string())
        .status()
        .expect("a shell");
    assert!(sent.success());
}

fn begin(tool: &mut Tool) -> Child {
    tool.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Waits for a process that must end soon.
fn end(mut child: Child) -> Output {
    let limit = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("a status").is_none() {
        if Instant::now() > limit {
            child.kill().expect("killed");
            panic!("the process did not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

/// Waits until a process has a handler for SIGTERM.
fn until_terminable(child: &Child) {
    const SIGTERM: u32 = 15;
    let path = format!("/proc/{}/status", child.id());
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let status = std::fs::read_to_string(&path).expect("a process");
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .expect("a mask of signals");
        if caught >> (SIGTERM - 1) & 1 == 1 {
            return;
        }
        assert!(Instant::now() < limit, "SIGTERM has no handler");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The single document on standard output.
#[track_caller]
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} / {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

/// A kubeconfig for a server that never answers.
fn hanging_server(folder: &Folder) -> (Fake, std::path::PathBuf) {
    let server = Fake::silent();
    let cluster = format!("server: 'http://{}'", server.endpoint());
    let path = folder.file("config", kubeconfig(&cluster, "token: t"));
    (server, path)
}

#[test]
fn signals_end_a_hanging_run_with_exit_code_and_document() {
    let folder = Folder::new();
    for (name, code) in SIGNALS {
        for (command, kind) in [
            ("system check", "Report"),
            ("system check --preflight", "Report"),
            ("system status", "Status"),
            ("test kubernetes", "Test"),
            ("test dataflow", "Test"),
        ] {
            let (server, path) = hanging_server(&folder);
            let mut tool =
                meshdoctor(command).kubeconfig(&path).arg("-ojson").arg("--timeout=5m").arg("--request-timeout=5m");
            let child = begin(&mut tool);
            server.wait_for_connection();
            send(name, &child);
            let output = end(child);
            let case = format!("SIG{name}, {command}");
            assert_eq!(output.status.code(), Some(code), "{case}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{case}");
            let report = document(&output);
            schema::assert_fits(schema::validator(), &report, &case);
            assert_eq!(report["kind"], kind, "{case}");
            assert_eq!(report["exitCode"], code, "{case}");
            if kind != "Status" {
                assert_eq!(report["verdict"], "unknown", "{case}");
                assert_eq!(roots(&report), ["interrupted"], "{case}");
                let title = report["findings"][0]["title"].to_string();
                assert!(title.contains(&format!("SIG{name}")), "{case}: {title}");
            }
        }
    }
}

#[test]
fn signals_before_the_first_change_end_with_a_refused_document() {
    let folder = Folder::new();
    for (name, code) in SIGNALS {
        for command in ["system redeploy", "system reset stack --no-backup"] {
            let (server, path) = hanging_server(&folder);
            let mut tool = meshdoctor(command).kubeconfig(&path).args(&[
                "--yes",
                "-ojson",
                "--timeout=5m",
                "--request-timeout=5m",
            ]);
            let child = begin(&mut tool);
            server.wait_for_connection();
            send(name, &child);
            let output = end(child);
            assert_eq!(output.status.code(), Some(code), "{name} {command}");
            let change = document(&output);
            schema::assert_fits(schema::change_validator(), &change, command);
            assert_eq!(change["outcome"], "refused", "{change:#}");
            assert_eq!(change["exitCode"], code, "{change:#}");
            assert_eq!(change["steps"], serde_json::json!([]));
        }
    }
}

#[test]
fn signal_in_table_format_prints_no_document() {
    let folder = Folder::new();
    let (server, path) = hanging_server(&folder);
    let mut tool = meshdoctor("system check").kubeconfig(&path).arg("--timeout=5m");
    let child = begin(&mut tool);
    server.wait_for_connection();
    send("INT", &child);
    let output = end(child);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

/// Reading from a pipe without a writer can be interrupted.
#[test]
fn signals_interrupt_reading_from_a_pipe() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let pipe = pipe.to_string_lossy();
    for (command, has_document) in [
        ("system check -o json --from -".to_owned(), true),
        (format!("system check -o json --from {pipe}"), true),
        (format!("system status -o json --from {pipe}"), true),
        (format!("test dataflow -o json --from {pipe}"), true),
        ("watch-list -o json -".to_owned(), true),
        (format!("watch-list -o json {pipe}"), true),
        (format!("system check -o json --kubeconfig {pipe}"), true),
        (format!("system redeploy -o json --from-backup {pipe}"), true),
        (format!("system redeploy -o json --watch-list {pipe}"), true),
        (format!("manifests -o json --watch-list {pipe}"), false),
    ] {
        let mut tool = meshdoctor(&command);
        let mut child = begin(&mut tool);
        until_terminable(&child);
        assert!(child.try_wait().expect("a status").is_none(), "{command} waits");
        send("TERM", &child);
        let output = end(child);
        assert_eq!(output.status.code(), Some(143), "{command}");
        if has_document {
            assert_eq!(document(&output)["exitCode"], 143, "{command}");
        } else {
            assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{command}");
        }
    }
}

#[test]
fn nohup_run_survives_sighup() {
    let folder = Folder::new();
    let (server, path) = hanging_server(&folder);
    let mut inner = meshdoctor("system check -o json --timeout 3s").kubeconfig(&path);
    let program = inner.command().get_program().to_owned();
    let mut command = Command::new("nohup");
    command
        .arg(program)
        .args(["system", "check", "-ojson", "--timeout=3s", "--kubeconfig"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("nohup");
    server.wait_for_connection();
    send("HUP", &child);
    let output = end(child);
    assert_eq!(output.status.signal(), None);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(roots(&document(&output)), ["cluster-unreachable"]);
}

/// Set for the child process in which [`panic_prints_one_sentence_and_a_document`] causes a panic.
const PANIC: &str = "MESHDOCTOR_TEST_OF_A_PANIC";

#[test]
fn panic_prints_one_sentence_and_a_document() {
    if let Ok(arguments) = std::env::var(PANIC) {
        let words = std::iter::once("meshdoctor").chain(arguments.split_whitespace());
        let cli = meshdoctor::cli::args::Cli::parse_from(words);
        meshdoctor::prepare_for_faults(&cli);
        // The panic happens in a separate thread, like a panic in a library.
        let thread = std::thread::spawn(|| panic!("index out of \u{1b}[31mbounds"));
        let _ = thread.join();
        unreachable!("the process has ended");
    }
    for (arguments, kind) in [
        ("system check -o json", Some("Report")),
        ("system status -o json", Some("Status")),
        ("test broker -o json", Some("Test")),
        ("system reset stack -o json", Some("Change")),
        ("record", Some("List")),
        ("system check", None),
    ] {
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "failures::process::panic_prints_one_sentence_and_a_document"])
            .args(["--nocapture", "--quiet"])
            .env(PANIC, arguments)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{arguments}: {output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("bug in meshdoctor"), "{stderr}");
        assert!(!stderr.contains('\u{1b}'), "{stderr}");
        // The test harness prints a line of its own first.
        let stdout = String::from_utf8_lossy(&output.stdout);
        let document = stdout.find('{').map(|start| &stdout[start..]);
        let Some(kind) = kind else {
            assert_eq!(document, None, "{arguments}");
            continue;
        };
        let document: Value = serde_json::from_str(document.unwrap_or_default())
            .unwrap_or_else(|error| panic!("{arguments}: {error}: {stdout}"));
        assert_eq!(document["kind"], kind, "{arguments}");
        match kind {
            "Report" => {
                schema::assert_fits(schema::validator(), &document, arguments);
                assert_eq!(roots(&document), ["internal-error"]);
                assert_eq!(document["exitCode"], 3);
            }
            "Change" => schema::assert_fits(schema::change_validator(), &document, arguments),
            _ => {}
        }
    }
}

#[test]
fn very_long_timeouts_do_not_panic() {
    let folder = Folder::new();
    let refused = kubeconfig("server: 'http://127.0.0.1:1'", "token: t");
    let path = folder.file("config", refused);
    for time in ["9223372036854775807s", "9223372036s", "2562047h47m16s", "8760h"] {
        for command in [
            format!("system check -o json --timeout {time}"),
            format!("system check -o json --request-timeout {time} --timeout {time}"),
            format!("test dataflow -o json --wait {time} --timeout {time}"),
            format!("test dataflow -o json --passive {time} --timeout {time}"),
            format!("system reset stack --yes --no-backup -o json --wait {time} --timeout {time}"),
        ] {
            let ran = meshdoctor(&command).kubeconfig(&path).run();
            assert_eq!(ran.code, 3, "{command}: {}{}", ran.stdout, ran.stderr);
            assert_eq!(ran.json()["exitCode"], 3, "{command}");
        }
    }
}

/// A second signal ends the run at once. So does a first signal while standard output is full.
#[test]
fn second_signal_ends_a_run_whose_reader_is_gone() {
    let folder = Folder::new();
    let (server, path) = hanging_server(&folder);
    let mut tool = meshdoctor("system check -o json --timeout 5m").kubeconfig(&path);
    let mut child = begin(&mut tool);
    drop(child.stdout.take());
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(b"\n");
    }
    server.wait_for_connection();
    send("INT", &child);
    send("INT", &child);
    assert_eq!(end(child).status.code(), Some(130));
}
