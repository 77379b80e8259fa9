//! An API server that injects faults: a table of behaviors, each tried against every command.
//!
//! A behavior is one line with the expected exit codes.

mod behaviors;
mod memory;
mod registered;

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use self::behaviors::{Behavior, ENDLESS, TABLE, except_version, once};
use super::{
    commands::{CHANGING, OF_HUB, PRINTING, READING},
    empty_cluster::{self, is_list},
    peer::{Peer, json, respond, status},
};
use crate::{
    schema,
    tool::{Ran, meshdoctor},
};

/// The time limit for a run. It is generous: the test checks that the run ends on its own, not how fast a busy machine
/// is.
const BOUND: Duration = Duration::from_secs(40);

fn run(name: &str, command: &str, endpoint: &str, folder: &std::path::Path) -> (Ran, Duration) {
    let path = kubeconfig(folder, endpoint);
    let started = Instant::now();
    let (run, request) = if ENDLESS.contains(&name) { (3, 2) } else { (30, 20) };
    let ran = meshdoctor(command)
        .kubeconfig(&path)
        .arg(format!("--timeout={run}s"))
        .arg(format!("--request-timeout={request}s"));
    let ran = if CHANGING.contains(&command) { ran.arg("--wait=1s").run() } else { ran.run() };
    (ran, started.elapsed())
}

fn kubeconfig(folder: &std::path::Path, endpoint: &str) -> PathBuf {
    let path = folder.join(endpoint.replace([':', '/'], "-"));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: there, cluster: {{server: '{endpoint}'}}}}]\n\
         users: [{{name: me, user: {{token: t}}}}]\n\
         contexts: [{{name: here, context: {{cluster: there, user: me}}}}]\n"
    );
    std::fs::write(&path, text).expect("a kubeconfig");
    path
}

/// The problems of a run.
fn faults(command: &str, ran: &Ran, took: Duration, expected: i32) -> Vec<String> {
    let mut faults = Vec::new();
    if ran.code != expected {
        faults.push(format!("exit {}, expected {expected}", ran.code));
    }
    if took > BOUND {
        faults.push(format!("it took {took:?}"));
    }
    if ran.stderr.contains("panicked") {
        faults.push(format!("a panic: {}", ran.stderr));
    }
    let control = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    if control(&ran.stdout) || control(&ran.stderr) {
        faults.push("control characters".into());
    }
    if !command.contains("json") && !command.starts_with("record") {
        return faults;
    }
    let document: serde_json::Value = match serde_json::from_str(&ran.stdout) {
        Ok(document) => document,
        Err(error) => {
            faults.push(format!("no document: {error}\n{}\n{}", ran.stdout, ran.stderr));
            return faults;
        }
    };
    let schema = match document["kind"].as_str() {
        Some("List" | "WatchList") => return faults,
        Some("Redeploy" | "Reset" | "Change") => schema::change_validator(),
        _ => schema::validator(),
    };
    if document["exitCode"] != ran.code {
        faults.push(format!("the document says exit {}", document["exitCode"]));
    }
    faults.extend(schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())));
    if document["verdict"] == "healthy" && ran.code != 0 {
        faults.push("healthy, but the exit code is not 0".into());
    }
    if document["checks"].as_array().is_some_and(|_| ran.code == 3) && document["verdict"] == "healthy" {
        faults.push("healthy, though nothing is known".into());
    }
    faults
}

#[test]
fn check_handles_every_api_server_behavior() {
    assert_handled(&READING[..1]);
}

#[test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
fn every_command_handles_every_api_server_behavior() {
    assert_handled(&[READING, OF_HUB, CHANGING, PRINTING].concat());
}

/// Runs each of these commands with every behavior.
fn assert_handled(commands: &[&'static str]) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let only = std::env::var("BEHAVIOR").ok();
    let mut work: VecDeque<(&Behavior, &str)> = VecDeque::new();
    for behavior in TABLE {
        if only.as_deref().is_some_and(|only| only != behavior.0) {
            continue;
        }
        for command in commands {
            work.push_back((behavior, command));
        }
    }
    let work = Mutex::new(work);
    let found: Arc<Mutex<Vec<String>>> = Arc::default();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(((name, codes, answer), command)) = next else {
                        return;
                    };
                    let peer = Peer::start(*answer);
                    let (ran, took) = run(name, command, &format!("http://{}", peer.endpoint()), folder.path());
                    let faults = faults(command, &ran, took, codes.of(command));
                    if !faults.is_empty() {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push(format!("{name} × {command}: {}", faults.join("; ")));
                    }
                }
            });
        }
    });
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    found.sort();
    assert!(found.is_empty(), "{} rows:\n{}", found.len(), found.join("\n"));
}

const PODS: &str = "GET /api/v1/namespaces/meshery/pods";

#[test]
fn retries_are_logged_and_healthy_runs_send_no_extra_requests() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let run = |peer: &Peer| {
        let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
        meshdoctor("system check -v -o json").kubeconfig(&path).run().exits(1)
    };
    let healthy = Peer::start(empty_cluster::answer);
    assert!(!run(&healthy).stderr.contains("retrying"));
    assert_eq!(healthy.requests(PODS), 1);

    let throttled = Peer::start(|request, to| once(request, to, 429, "Retry-After: 1\r\n"));
    let log = run(&throttled).stderr;
    assert!(log.contains("retrying in 1 s after 429"), "{log}");
    assert_eq!(throttled.requests(PODS), 2);

    let failing =
        Peer::start(|request, to| except_version(request, to, |to| json(to, 500, &status(500, "etcd is gone"))));
    let path = kubeconfig(folder.path(), &format!("http://{}", failing.endpoint()));
    meshdoctor("system check -o json").kubeconfig(&path).run().exits(3);
    assert_eq!(failing.requests(PODS), 3, "two retries, and no more");
}

#[test]
fn conversion_webhook_error_is_not_retried() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let peer = Peer::start(|request, to| {
        if is_list(request) && request.path.contains("/brokers") {
            let why = "conversion webhook for meshery.io/v1alpha2, Kind=Broker failed: no endpoints";
            return json(to, 500, &status(500, why));
        }
        empty_cluster::answer(request, to)
    });
    let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
    let report = meshdoctor("system check -o json").kubeconfig(&path).run().exits(3);
    assert!(report.stdout.contains("conversion webhook"));
    for version in ["v1alpha1", "v1alpha2"] {
        let path = format!("GET /apis/meshery.io/{version}/namespaces/meshery/brokers");
        assert_eq!(peer.requests(&path), 1, "{path}");
    }
}

/// The API server's clock is far ahead of the local one, and so is every time in the cluster.
#[test]
fn time_is_taken_from_the_api_server() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let peer = Peer::start(|request, to| {
        const VERSION: &str = r#"{"major":"1","minor":"35","gitVersion":"v1.35.4"}"#;
        if request.path == "/version" {
            let date = "Date: Fri, 01 Jan 2100 10:00:00 GMT\r\n";
            return respond(to, 200, "application/json", date, VERSION);
        }
        if request.path.ends_with("/pods") {
            let list = serde_json::json!({ "metadata": {}, "items": [{ "metadata": {
                "name": "meshery-meshsync-0", "namespace": "meshery",
                "labels": { "app": "meshery", "component": "meshsync" },
                "creationTimestamp": "2100-01-01T09:00:00Z",
            } }] });
            return json(to, 200, &list.to_string());
        }
        empty_cluster::answer(request, to)
    });
    let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
    let report = meshdoctor("system status -o json").kubeconfig(&path).run().json();
    let taken = report["takenAt"].as_str().unwrap_or_default();
    assert!(taken.starts_with("2100-01-01T10:00"), "{taken}");
}
