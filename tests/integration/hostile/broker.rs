//! Brokers and port-forwards that inject faults: named behaviors × commands × expected exit codes.

use std::{
    fs,
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::{
    commands::READING,
    nats::{ClientPort, FaultBroker, Monitor},
};
use crate::{
    bed::{self, Line, Stack, users},
    fault_proxy::{Fault, FaultProxy, Forward},
    schema,
    tool::meshdoctor,
};

const TOKEN: &str = "tThisTokenIsForTheBrokerAndForNobodyElse0123456789";

/// The timeout of each command.
const TIMEOUT: &str = "10s";

/// The number of commands that run at the same time.
const CONCURRENCY: usize = 5;

/// The time limit for a command on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The memory limit for a command, in KiB: 64 MiB, plus what a debug build needs by itself.
const MEMORY: u64 = (64 + 32) * 1024;

/// The maximum size of a document, in bytes. A recording contains every object of the namespace.
const DOCUMENT: usize = 500_000;

const HTML: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
const ERROR: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
const EVIL: &str = "unable to do it\u{1b}]0;mine\u{7}\u{9b}2J\r\nsecond line";
/// It announces that it closes the connection, as the proxy does. A client must not send its next request there.
const DENIED: &str = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/html\r\n\
                      Content-Length: 13\r\n\r\n<html></html>";

/// A behavior and the exit codes of all commands, in the order of `READING`.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    client: ClientPort,
    monitor: Monitor,
    forward: Option<Forward>,
    codes: &'static str,
    /// Whether the server has the id that our own pod's monitor reports, so that it may receive the token.
    known: bool,
}

const fn case(name: &'static str, client: ClientPort, monitor: Monitor, codes: &'static str) -> Case {
    Case { name, client, monitor, forward: None, codes, known: false }
}

const fn known(case: Case) -> Case {
    Case { known: true, ..case }
}

const fn with_forward(name: &'static str, forward: Forward, codes: &'static str) -> Case {
    Case { forward: Some(forward), ..case(name, ClientPort::Honest, Monitor::Honest, codes) }
}

/// Client port behaviors. The columns of every table are: check, preflight, status, and the tests of kubernetes,
/// operator, broker, meshsync and dataflow, then watch-list and record.
const CLIENT_PORTS: &[Case] = &[
    known(case("honest", ClientPort::Honest, Monitor::Honest, "0000001300")),
    case("client port refused", ClientPort::Refused, Monitor::Honest, "1000011100"),
    case("client port silent", ClientPort::Silent, Monitor::Honest, "1000011100"),
    case("client port closes", ClientPort::Closes, Monitor::Honest, "1000011100"),
    case("client port speaks HTML", ClientPort::Says(HTML), Monitor::Honest, "1000011100"),
    case("client port of another server", ClientPort::OtherServer, Monitor::Honest, "1000011100"),
    case("client port sends an endless line", ClientPort::EndlessLine, Monitor::Honest, "1000011100"),
    case("endless line, and a late monitor", ClientPort::EndlessLine, Monitor::Late, "1000011100"),
    known(case("client port greets only", ClientPort::GreetsOnly, Monitor::Honest, "1000011100")),
    known(case(
        "client port refuses the token",
        ClientPort::Refuses("-ERR 'Authorization Violation'\r\n"),
        Monitor::Honest,
        "1000011100",
    )),
    known(case("flood of small messages", ClientPort::Floods(1000), Monitor::Honest, "0000011300")),
    known(case("flood of large messages", ClientPort::Floods(1 << 20), Monitor::Honest, "0000011300")),
    known(case("messages that are too large", ClientPort::Floods(32 << 20), Monitor::Honest, "0000011300")),
];

/// Monitor port behaviors.
const MONITORS: &[Case] = &[
    case("nothing listens", ClientPort::Refused, Monitor::Refused, "1030013100"),
    case("both ports silent", ClientPort::Silent, Monitor::Silent, "3030033300"),
    case("both ports close", ClientPort::Closes, Monitor::Closes, "3030033300"),
    case("monitor refused", ClientPort::Honest, Monitor::Refused, "3030033300"),
    case("monitor silent", ClientPort::Honest, Monitor::Silent, "3030033300"),
    case("monitor speaks SSH", ClientPort::Silent, Monitor::Says("SSH-2.0-OpenSSH_9.9\r\n"), "1030013100"),
    case("monitor speaks HTML", ClientPort::Silent, Monitor::Says(HTML), "1030013100"),
    case("monitor answers 500", ClientPort::Silent, Monitor::Says(ERROR), "1030013100"),
    case("varz is endless", ClientPort::Silent, Monitor::EndlessVarz, "1030013100"),
    known(case("connz is endless", ClientPort::Honest, Monitor::EndlessConnz, "3030033300")),
    known(case("connz has a total that it does not deliver", ClientPort::Honest, Monitor::ShortTotal, "3030031300")),
    known(case("connz has endless pages", ClientPort::Honest, Monitor::EndlessPages, "3030031300")),
    known(case("connz has slow pages", ClientPort::Honest, Monitor::SlowPages, "3030031300")),
    known(case("connz has 3000 clients", ClientPort::Honest, Monitor::Crowd(3000), "0000001300")),
    known(case("connz has large names", ClientPort::Honest, Monitor::LargeNames, "0000001300")),
];

/// Port-forward behaviors.
const FORWARDS: &[Case] = &[
    with_forward("port-forward silent", Forward::Silent, "3030033300"),
    with_forward("port-forward closes", Forward::Closes, "3030033300"),
    with_forward("port-forward breaks its framing", Forward::Garbage, "3030033300"),
    with_forward("port-forward has another channel", Forward::WrongChannel, "3030033300"),
    with_forward("kubelet cannot forward", Forward::KubeletSays(EVIL), "3030033300"),
    with_forward("port-forward answered with HTML", Forward::Answers(DENIED), "3030033300"),
];

/// The result of one command.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
    memory: u64,
    took: Duration,
}

fn run(command: &str, kubeconfig: &Path, namespace: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let mut tool =
        meshdoctor(command).kubeconfig(kubeconfig).arg("-n").arg(namespace).arg("--timeout").arg(TIMEOUT).arg("-v");
    let started = Instant::now();
    let mut child = tool
        .command()
        .stdin(std::process::Stdio::null())
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
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: fs::read_to_string(&out).expect("text on standard output"),
        stderr: fs::read_to_string(&err).expect("text on standard error"),
        memory,
        took: started.elapsed(),
    }
}

/// The peak memory of a process so far, in KiB. The system's count at the end of the process would include the memory
/// of the test from which it was forked.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The rules that a run breaks.
fn faults(command: &str, ran: &Ran, wanted: i32) -> Vec<String> {
    let mut faults = Vec::new();
    if ran.code != wanted {
        let roots = serde_json::from_str::<Value>(&ran.stdout)
            .map(|document| document["rootCauses"].to_string())
            .unwrap_or_default();
        let took = ran.took;
        // What `-v` says about the broker shows which route failed, and how.
        let routes: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("port-forward")).collect();
        let routes = routes.join("\n    ");
        faults.push(format!("exit code {}, not {wanted}, after {took:.1?}: {roots}\n    {routes}", ran.code));
    }
    if ran.took > TIME_LIMIT {
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
    if said.contains(TOKEN) {
        faults.push("the token".into());
    }
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
                    let schema = schema::validator();
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

/// Runs the commands, a few at a time. A command that shares the processor with too many others has no time left for
/// its broker.
async fn run_all(commands: &[&'static str], kubeconfig: &Path, namespace: &str) -> Result<Vec<Ran>> {
    let runs = commands.iter().map(|&command| {
        let (kubeconfig, namespace) = (kubeconfig.to_owned(), namespace.to_owned());
        async move { tokio::task::spawn_blocking(move || run(command, &kubeconfig, &namespace)).await }
    });
    Ok(futures_util::stream::iter(runs).buffered(CONCURRENCY).try_collect().await?)
}

/// Starts a stack and stops its broker. Returns the stack and the broker's address.
async fn stack_without_broker(bed: &bed::Lease) -> Result<(Stack, Ipv4Addr)> {
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).token(TOKEN).start(bed).await?;
    stack.nats(0).kill();
    let address = stack.nats(0).address;
    Ok((stack, address))
}

/// Runs the first of [`READING`], or as many as given, with each of the cases.
async fn assert_handled(cases: &[Case], commands: usize) -> Result<()> {
    let commands = &READING[..commands];
    let bed = &bed::lease().await?;
    let (_stack, address) = stack_without_broker(bed).await?;
    let mut all = Vec::new();
    for case in cases {
        assert_eq!(case.codes.len(), READING.len(), "{}", case.name);
        let broker = FaultBroker::start(address, case.client, case.monitor);
        let proxy = match case.forward {
            None => None,
            Some(forward) => Some(FaultProxy::start(bed, users::ADMIN, Fault::Forwards(forward))?),
        };
        let direct = bed.kubeconfig();
        let kubeconfig = proxy.as_ref().map_or(&direct, |proxy| &proxy.kubeconfig);
        let mut codes = String::new();
        let mut problems = Vec::new();
        let runs = run_all(commands, kubeconfig, bed.namespace()).await?;
        for ((command, ran), wanted) in commands.iter().zip(runs).zip(case.codes.chars()) {
            codes.push_str(&ran.code.to_string());
            let wanted = wanted.to_digit(10).expect("an exit code").try_into()?;
            for fault in faults(command, &ran, wanted) {
                problems.push(format!("  {command}: {fault}"));
            }
        }
        if !case.known && broker.received().contains(TOKEN) {
            problems.push("  it received the token".into());
        }
        if !problems.is_empty() {
            all.push(format!("{}: {codes}\n{}", case.name, problems.join("\n")));
        }
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
    Ok(())
}

#[tokio::test]
async fn check_handles_client_port_faults() -> Result<()> {
    assert_handled(CLIENT_PORTS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_client_port_faults() -> Result<()> {
    assert_handled(CLIENT_PORTS, READING.len()).await
}

#[tokio::test]
async fn check_handles_monitor_faults() -> Result<()> {
    assert_handled(MONITORS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_monitor_faults() -> Result<()> {
    assert_handled(MONITORS, READING.len()).await
}

#[tokio::test]
async fn check_reads_20000_connections() -> Result<()> {
    let bed = &bed::lease().await?;
    let (_stack, address) = stack_without_broker(bed).await?;
    let _broker = FaultBroker::start(address, ClientPort::Honest, Monitor::Crowd(20_000));
    let (kubeconfig, namespace) = (bed.kubeconfig(), bed.namespace().to_owned());
    let command = READING[0];
    let ran = tokio::task::spawn_blocking(move || run(command, &kubeconfig, &namespace)).await?;
    let faults = faults(command, &ran, 0);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn check_handles_port_forward_faults() -> Result<()> {
    assert_handled(FORWARDS, 1).await
}

#[tokio::test]
#[ignore = "tries every write or every combination: tests/run --exhaustive"]
async fn every_command_handles_port_forward_faults() -> Result<()> {
    assert_handled(FORWARDS, READING.len()).await
}
