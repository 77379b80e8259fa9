//! Servers that inject faults: named behaviors × commands × expected exit codes.

use std::{net::TcpListener, path::Path};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::{
    SessionFiles,
    behaviors::{Case, TABLE, Wire},
    standin::{CLUSTER_SECRET, Login, Setup, StandIn, token},
};
use crate::{
    bed::{self, Line, Stack, rest},
    hostile::{
        measured::{Measured, faults},
        peer::{Peer, respond},
    },
    tool::meshdoctor,
};

/// The commands, as typed. `system check` comes first: the others are only tried by `tests/run --exhaustive`.
pub(super) const COMMANDS: &[&str] =
    &["system check -o json", "system status -o json", "record -", "server status -o json", "test server -o json"];

/// The timeout of each command.
const TIMEOUT: &str = "10s";

/// The number of commands that run at the same time.
const CONCURRENCY: usize = 5;

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
    fn start(case: &Case, cluster: &str) -> Self {
        let mut setup = Setup { login: Login::Remote(token(SECRET)), ..Setup::of(case.generation, cluster) };
        let mut other = None;
        let standin = match case.wire {
            Wire::Http(fault) => StandIn::with_fault(setup, fault),
            Wire::Strange(change) => {
                change(&mut setup);
                StandIn::start(setup)
            }
            Wire::Redirect(status) => {
                let target = StandIn::start(setup.clone());
                let location = format!("Location: {}/api/user?token={SECRET}\r\n", target.url());
                other = Some(target);
                StandIn::with_fault(setup, move |_, to| Some(respond(to, status, "text/html", &location, "")))
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

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for standin in self.standin.iter().chain(&self.other) {
            faults.extend(standin.writes());
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

/// Runs the first of [`COMMANDS`], or as many as given, with each of the cases.
async fn assert_handled(commands: usize) -> Result<()> {
    let commands = &COMMANDS[..commands];
    let only = std::env::var("BEHAVIOR").ok();
    let bed = &bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(bed).await?;
    let _clients = (stack.meshsync(0).await?, stack.server(0)?);
    let cluster = rest::get(&stack.client, "/api/v1/namespaces/kube-system").await?;
    let cluster = cluster["metadata"]["uid"].as_str().unwrap_or_default();
    let work = TABLE.iter().filter(|case| only.as_deref().is_none_or(|only| only == case.name));
    let work = work
        .flat_map(|case| commands.iter().zip(case.codes.chars()).map(move |(command, code)| (case, *command, code)));
    let runs = work.map(|(case, command, wanted)| {
        let (kubeconfig, namespace) = (bed.kubeconfig(), bed.namespace().to_owned());
        let cluster = cluster.to_owned();
        async move {
            let result =
                tokio::task::spawn_blocking(move || tried(case, command, wanted, &kubeconfig, &namespace, &cluster));
            result.await
        }
    });
    let problems: Vec<Vec<String>> = futures_util::stream::iter(runs).buffered(CONCURRENCY).try_collect().await?;
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    Ok(())
}

/// The problems of a command with one of the cases.
fn tried(
    case: &Case,
    command: &'static str,
    wanted: char,
    kubeconfig: &Path,
    namespace: &str,
    cluster: &str,
) -> Vec<String> {
    let server = Server::start(case, cluster);
    let files = SessionFiles::new().context("named", &server.url, "docker", &token(SECRET));
    let ran = run(command, kubeconfig, namespace, &files.config(), &server.url);
    let wanted = wanted.to_digit(10).and_then(|code| i32::try_from(code).ok()).expect("an exit code");
    let mut problems = faults(command, &ran, wanted, &[SECRET, &token(SECRET), CLUSTER_SECRET]);
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(bad) = format!("{}{}", ran.stdout, ran.stderr).chars().find(|c| turns(*c)) {
        problems.push(format!("a character that changes the direction: {bad:?}"));
    }
    problems.extend(server.faults());
    if std::env::var("BEHAVIOR").is_ok() {
        println!("{} × {command}: {} in {:?}\n{}\n{}", case.name, ran.code, ran.took, ran.stdout, ran.stderr);
    }
    problems.into_iter().map(|problem| format!("{} × {command}: {problem}", case.name)).collect()
}

#[tokio::test]
async fn check_handles_every_server_behavior() -> Result<()> {
    assert_handled(1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_every_server_behavior() -> Result<()> {
    assert_handled(COMMANDS.len()).await
}
