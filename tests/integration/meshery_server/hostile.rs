//! Servers that inject faults: named behaviors × commands × expected exit codes.

use std::{fs, net::TcpListener, path::Path, time::Duration};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    SessionFiles,
    behaviors::{CHANGES_TABLE, Case, TABLE, Wire},
    standin::{CLUSTER_SECRET, Login, Setup, StandIn, is_change, token},
};
use crate::{
    bed::{self, Line, Stack, rest},
    hostile::{
        measured::{Measured, TIME_LIMIT, faults_within},
        peer::{Peer, respond},
    },
    tool::meshdoctor,
};

/// The commands, as typed. `system check` comes first: the others are only tried by `tests/run --exhaustive`.
pub(super) const COMMANDS: &[&str] = &[
    "system check -o json",
    "system status -o json",
    "record -",
    "server status -o json",
    "test server -o json",
    "server contexts list -o json",
    "server contexts ping -o json",
    "server config -o json",
];

/// The commands that change something in the server, as typed.
pub(super) const CHANGES: &[&str] = &[
    "server contexts rediscover --yes",
    "server contexts upload FILE --yes",
    "server contexts delete 535bca23-d3bd-af3e-2c7d-d5dc00000001 --yes",
    "server mode operator --yes",
    "server reconnect --disconnect --yes",
    "system reset data --yes",
    "system reset database --confirm 127.0.0.1 --no-backup",
];

/// What is added to each of [`CHANGES`].
const SHORT: &str = "--wait 2s -o json";

/// The time limit of a change whose request is not answered: the server may take that long.
const PATIENCE: Duration = Duration::from_secs(100);

/// The timeout of each command.
const TIMEOUT: &str = "10s";

/// The number of commands that run at the same time.
const CONCURRENCY: usize = 5;

/// It is in the kubeconfig that is uploaded.
const UPLOADED: &str = "theTokenInTheUploadedKubeconfig0123456789";

/// It is in the token and in what it is renewed with.
const SECRET: &str = "theSignatureOfTheTokenForMesheryServer0123456789";

/// A running server, and what must not have happened to it.
struct Server {
    url: String,
    standin: Option<StandIn>,
    /// Where it redirects to.
    other: Option<StandIn>,
    _raw: Option<Peer>,
}

impl Server {
    fn start(case: &Case, command: &str, cluster: &str) -> Self {
        let mut setup = Setup { login: Login::Remote(token(SECRET)), ..Setup::of(case.generation, cluster) };
        setup.writing.clusters = [(ADDED.to_owned(), "00000000-0000-0000-0000-00000000000a".to_owned())].into();
        if command.starts_with("server mode") {
            setup.connections[0].mode = Some("embedded".into());
        }
        let mut other = None;
        let standin = match case.wire {
            Wire::Http(fault) => StandIn::with_fault(setup, fault),
            Wire::Strange(change) => {
                change(&mut setup);
                StandIn::start(setup)
            }
            Wire::Redirect(status) | Wire::RedirectChange(status) => {
                let target = StandIn::start(setup.clone());
                let location = format!("Location: {}/api/user?token={SECRET}\r\n", target.url());
                other = Some(target);
                let all = matches!(case.wire, Wire::Redirect(_));
                StandIn::with_fault(setup, move |request, to| {
                    let is_meant = all || is_change(request);
                    is_meant.then(|| respond(to, status, "text/html", &location, ""))
                })
            }
            Wire::Raw(serve) => return Self::raw("http", Peer::raw(serve)),
            Wire::RawTls(serve) => return Self::raw("https", Peer::raw(serve)),
            Wire::Refused => {
                let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
                let url = format!("http://{}", free.expect("a free port"));
                return Self { url, standin: None, other: None, _raw: None };
            }
        };
        Self { url: standin.url(), standin: Some(standin), other, _raw: None }
    }

    fn raw(scheme: &str, peer: Peer) -> Self {
        Self { url: format!("{scheme}://{}", peer.endpoint()), standin: None, other: None, _raw: Some(peer) }
    }

    /// What must not have happened. A change may have been asked for once.
    fn faults(&self, changes: bool) -> Vec<String> {
        let mut faults = Vec::new();
        for standin in self.standin.iter().filter(|_| !changes).chain(&self.other) {
            faults.extend(standin.writes());
        }
        let mut written = self.standin.iter().flat_map(StandIn::written).collect::<Vec<_>>();
        let asked = written.len();
        written.sort();
        written.dedup();
        if written.len() < asked {
            faults.push(format!("{} changes were asked for more than once: {written:?}", asked - written.len()));
        }
        if let Some(other) = &self.other {
            faults.extend(other.requests().into_iter().map(|request| format!("a redirect was followed: {request}")));
        }
        faults
    }
}

fn run(command: &str, kubeconfig: &Path, namespace: &str, config: &Path, url: &str) -> Measured {
    let tool = meshdoctor(command).kubeconfig(kubeconfig).arg("-n").arg(namespace).arg("-v");
    let tool = tool.args(&["--timeout", TIMEOUT, "--meshery-server", url]);
    Measured::run(tool.arg("--meshery-config").arg(config))
}

/// One of the cases, a command, and what it is expected to do.
type Work = (&'static Case, &'static str, Wanted);

/// Runs the first of [`COMMANDS`], or as many as given, with each of the cases.
async fn assert_reads(commands: usize) -> Result<()> {
    let commands = &COMMANDS[..commands];
    let of = |case: &'static Case| {
        let columns = commands.iter().zip(case.codes.chars());
        columns.map(move |(command, code)| (case, *command, Wanted::Reads(code)))
    };
    assert_none(&problems(TABLE.iter().flat_map(of).collect()).await?);
    Ok(())
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// The problems of each of these with a stack that works.
async fn problems(mut work: Vec<Work>) -> Result<Vec<String>> {
    if let Ok(only) = std::env::var("BEHAVIOR") {
        work.retain(|(case, ..)| case.name == only);
    }
    if let Ok(only) = std::env::var("COMMAND") {
        work.retain(|(_, command, _)| command.starts_with(&only));
    }
    if work.is_empty() {
        return Ok(Vec::new());
    }
    let bed = &bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    // A server that is connected to the broker has nothing to reconnect.
    let reconnects = work.iter().any(|(_, command, _)| command.starts_with("server reconnect"));
    let _server = if reconnects { None } else { Some(stack.server(0)?) };
    let cluster = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
    let cluster = cluster["metadata"]["uid"].as_str().unwrap_or_default();
    let runs = work.into_iter().map(|(case, command, wanted)| {
        let (kubeconfig, namespace) = (bed.kubeconfig(), bed.namespace().to_owned());
        let cluster = cluster.to_owned();
        async move {
            let result =
                tokio::task::spawn_blocking(move || tried(case, command, wanted, &kubeconfig, &namespace, &cluster));
            result.await
        }
    });
    let problems: Vec<Vec<String>> = futures_util::stream::iter(runs).buffered(CONCURRENCY).try_collect().await?;
    Ok(problems.into_iter().flatten().collect())
}

/// The address of the API server in the kubeconfig that is uploaded.
const ADDED: &str = "https://127.0.0.1:45999";

/// A kubeconfig with a context that the server does not know.
fn uploaded() -> String {
    serde_json::json!({
        "kind": "Config", "apiVersion": "v1",
        "clusters": [{ "name": "added", "cluster": { "server": ADDED } }],
        "users": [{ "name": "added", "user": { "token": UPLOADED } }],
        "contexts": [{ "name": "added", "context": { "cluster": "added", "user": "added" } }],
    })
    .to_string()
}

/// What a command is expected to do.
#[derive(Clone, Copy)]
enum Wanted {
    /// It ends with this exit code, and only reads.
    Reads(char),
    /// It ends with this exit code, and may ask for each change once.
    Changes(char),
    /// It refuses, or cannot determine what to do, and only reads.
    Refuses,
}

/// The problems of a command with one of the cases.
fn tried(
    case: &Case,
    command: &'static str,
    wanted: Wanted,
    kubeconfig: &Path,
    namespace: &str,
    cluster: &str,
) -> Vec<String> {
    let server = Server::start(case, command, cluster);
    let files = SessionFiles::new().context("named", &server.url, "docker", &token(SECRET));
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("kubeconfig");
    fs::write(&file, uploaded()).expect("a kubeconfig");
    let typed = command.replace("FILE", &file.display().to_string());
    let typed = if matches!(wanted, Wanted::Reads(_)) { typed } else { format!("{typed} {SHORT}") };
    let ran = run(&typed, kubeconfig, namespace, &files.config(), &server.url);
    let wanted_code = match wanted {
        Wanted::Reads(code) | Wanted::Changes(code) => {
            code.to_digit(10).and_then(|code| i32::try_from(code).ok()).expect("an exit code")
        }
        Wanted::Refuses if ran.code == 4 => 4,
        Wanted::Refuses => 3,
    };
    let changes = matches!(wanted, Wanted::Changes(_));
    let limit = if changes { PATIENCE } else { TIME_LIMIT };
    let secrets = [SECRET, &token(SECRET), CLUSTER_SECRET, UPLOADED];
    let mut problems = faults_within(limit, &typed, &ran, wanted_code, &secrets);
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(bad) = format!("{}{}", ran.stdout, ran.stderr).chars().find(|c| turns(*c)) {
        problems.push(format!("a character that changes the direction: {bad:?}"));
    }
    problems.extend(server.faults(changes));
    if std::env::var("BEHAVIOR").is_ok() {
        println!("{} × {command}: {} in {:?}\n{}\n{}", case.name, ran.code, ran.took, ran.stdout, ran.stderr);
    }
    problems.into_iter().map(|problem| format!("{} × {command}: {problem}", case.name)).collect()
}

#[tokio::test]
async fn check_handles_every_server_behavior() -> Result<()> {
    assert_reads(1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_every_server_behavior() -> Result<()> {
    assert_reads(COMMANDS.len()).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn nothing_is_changed_in_a_server_that_does_not_accept_us() -> Result<()> {
    // The status column says whether the server accepts us and lists its connections.
    let unusable = TABLE.iter().filter(|case| case.codes.as_bytes()[3] == b'3');
    // A database that cannot be read can be reset nevertheless.
    let is_meant = |case: &Case, command: &str| !(accepts(case) && command.starts_with("system reset database"));
    let of = |case: &'static Case| {
        let commands = CHANGES.iter().filter(move |command| is_meant(case, command));
        commands.map(move |command| (case, *command, Wanted::Refuses))
    };
    assert_none(&problems(unusable.flat_map(of).collect()).await?);
    Ok(())
}

/// Whether a server that is useless for everything else accepts the session.
fn accepts(case: &Case) -> bool {
    ["invalid UTF-8", "500 but for the session"].contains(&case.name)
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_change_handles_every_server_behavior() -> Result<()> {
    // A change of the cluster must not reach the next command.
    let mut found = Vec::new();
    for (column, command) in CHANGES.iter().enumerate() {
        let code = |case: &Case| case.codes.as_bytes()[column].into();
        let cases = CHANGES_TABLE.iter().filter(|case| code(case) != '-');
        let work = cases.map(|case| (case, *command, Wanted::Changes(code(case))));
        found.extend(problems(work.collect()).await?);
    }
    assert_none(&found);
    Ok(())
}
