//! What the pod of a network test does: tries every step to the broker, as `MeshSync` would, and sends no credentials.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::Instant};

use super::tls;
use crate::{
    facts::{
        FailureReason,
        network::{Address, EndpointProbe, Outcome, ProbeAnswer, ProbeStep},
    },
    observe::{broker::handshake::Greeted, connectivity::listener::micros},
    stack::base::{limits, words},
};

/// The timeout for each step.
const STEP: Duration = Duration::from_secs(3);

/// The timeout for a name. A resolver asks again after five seconds.
const RESOLVE: Duration = Duration::from_secs(6);

/// Why a step did not complete.
struct Trouble(Outcome, String);

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        let outcome = match error.kind() {
            io::ErrorKind::ConnectionRefused => Outcome::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Outcome::TimedOut
            }
            _ => Outcome::Failed,
        };
        Self(outcome, words::io(&error))
    }
}

/// Tries every address at once.
pub(crate) async fn run(addresses: Vec<Address>) -> ProbeAnswer {
    ProbeAnswer::of(join_all(addresses.into_iter().map(endpoint)).await)
}

async fn endpoint(address: Address) -> EndpointProbe {
    let mut probe = EndpointProbe { address, ..EndpointProbe::default() };
    let host = probe.address.host.clone();
    let lookup = async {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), probe.address.port)).await?.collect();
        Ok(found)
    };
    let (resolve, found) = step(RESOLVE, lookup, |found| {
        let mut ips: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
        ips.dedup();
        ips.join(", ")
    })
    .await;
    probe.resolve = resolve;
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        let skipped = ProbeStep::skipped("the name was not resolved");
        (probe.connect, probe.greeting, probe.tls) = (skipped.clone(), skipped.clone(), skipped.clone());
        probe.monitor = skipped;
        return probe;
    };
    let monitor_port = probe.address.monitor_port;
    let monitors: Vec<SocketAddr> = found.iter().map(|address| SocketAddr::new(address.ip(), monitor_port)).collect();
    let monitor = step(STEP * 2, monitor(&monitors), Clone::clone);
    let (client, (monitor, _)) = tokio::join!(client(&host, &found), monitor);
    (probe.connect, probe.greeting, probe.tls) = client;
    probe.monitor = monitor;
    probe
}

/// Runs one step. Returns its result for people and for the next step.
async fn step<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
    detail: impl FnOnce(&T) -> String,
) -> (ProbeStep, Option<T>) {
    let started = Instant::now();
    let done = match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Trouble(Outcome::TimedOut, format!("no response within {}", words::span(limit)))),
    };
    let micros = micros(started.elapsed());
    match done {
        Ok(value) => {
            let detail = detail(&value);
            (ProbeStep { outcome: Outcome::Passed, micros, detail }, Some(value))
        }
        Err(Trouble(outcome, detail)) => (ProbeStep { outcome, micros, detail }, None),
    }
}

/// The connection, the greeting and TLS on the client port.
async fn client(host: &str, addresses: &[SocketAddr]) -> (ProbeStep, ProbeStep, ProbeStep) {
    let connect = async { Ok(TcpStream::connect(addresses).await?) };
    let (connected, stream) = step(STEP, connect, |stream: &TcpStream| {
        stream.peer_addr().map(|address| address.to_string()).unwrap_or_default()
    })
    .await;
    let Some(stream) = stream else {
        let skipped = ProbeStep::skipped("not connected");
        return (connected, skipped.clone(), skipped);
    };
    let greet = async {
        Greeted::read(stream).await.map_err(|failure| {
            let outcome = if failure.reason == FailureReason::Closed { Outcome::Refused } else { Outcome::Failed };
            Trouble(outcome, failure.message)
        })
    };
    let (greeted, greeting) = step(STEP, greet, |greeted| format!("NATS {}", greeted.greeting().version)).await;
    let Some(greeting) = greeting else {
        return (connected, greeted, ProbeStep::skipped("no greeting"));
    };
    let info = greeting.greeting();
    if !info.tls_required && !info.tls_available {
        return (connected, greeted, ProbeStep::skipped("the server does not offer TLS"));
    }
    let required = if info.tls_required { "required" } else { "offered" };
    let shake = async {
        let version = tls::shake(greeting.into_stream(), host).await?;
        Ok(format!("{version}, {required}; the certificate was not verified"))
    };
    let (shaken, _) = step(STEP, shake, Clone::clone).await;
    (connected, greeted, shaken)
}

/// The version that the monitor reports.
async fn monitor(addresses: &[SocketAddr]) -> Result<String, Trouble> {
    let broken = |error: &dyn std::fmt::Display| Trouble(Outcome::Failed, format!("no HTTP response: {error}"));
    let connect = tokio::time::timeout(STEP, TcpStream::connect(addresses)).await;
    let stream =
        connect.map_err(|_| Trouble(Outcome::TimedOut, format!("no connection within {}", words::span(STEP))))??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let task = tokio::spawn(connection);
    let answer = async {
        let request = Request::get("/varz")
            .header(header::HOST, "broker")
            .body(Empty::<Bytes>::new())
            .map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), limits::VARZ_BYTES).collect().await;
        let body = body.map_err(|error| broken(&error))?.to_bytes();
        let varz: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        match varz["version"].as_str() {
            Some(version) if status == 200 => Ok(format!("NATS {version}")),
            _ => Err(Trouble(Outcome::Failed, format!("HTTP {status}, but no answer of a NATS monitor"))),
        }
    };
    let answer = answer.await;
    task.abort();
    answer
}
