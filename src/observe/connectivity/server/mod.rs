//! Tests Meshery Server: the way to it step by step, and then what it answers.

mod adapters;

use std::{future::Future, time::Duration};

use tokio::{net::TcpStream, time::Instant};

use super::TestContext;
use crate::{
    facts::{
        Step, TestStep,
        server::{Adapter, AdapterTest, MesheryServerTest, ServerFacts, ServerRoute},
    },
    observe::{
        connectivity::listener::micros,
        server::{
            client::{Answer, Ask, ServerClient},
            route::{self, Destination, Failed, ServerStream},
        },
    },
    report::{Status, Timing},
    stack::base::{
        failure::{Failure, Kind},
        seen::{Denial, Seen},
    },
};

/// The timeout for the version: a server without a way to the Internet takes seconds for it.
const VERSION_TIMEOUT: Duration = Duration::from_secs(8);

/// The number of failed small requests after which no more are sent.
const ENOUGH: u64 = 3;

/// A client of the server of this run, with its credential. `None` if there is no server.
pub(super) fn client<'a>(context: &'a TestContext<'_>) -> Option<ServerClient<'a>> {
    let _ = context;
    None
}

/// Runs the test. `None` if there is no server.
pub(super) async fn run(context: &TestContext<'_>) -> Option<(Box<MesheryServerTest>, Box<ServerFacts>)> {
    let facts = context.facts.server.clone()?;
    let mut run = ServerTest { context, facts, test: Box::default() };
    match client(context) {
        Some(client) => {
            if run.approach(&client).await {
                run.ask(&client).await;
            }
        }
        None => run.cannot_be_asked(),
    }
    Some((run.test, run.facts))
}

/// A running test.
struct ServerTest<'a> {
    context: &'a TestContext<'a>,
    facts: Box<ServerFacts>,
    test: Box<MesheryServerTest>,
}

impl ServerTest<'_> {
    /// The observation found no address or no pod to ask.
    fn cannot_be_asked(&mut self) {
        let why = self.facts.unreachable.as_ref().map_or("there is no address", |why| &why.message).to_owned();
        let step = match self.facts.route {
            ServerRoute::Direct => &mut self.test.resolve,
            ServerRoute::PortForward => &mut self.test.port_forward,
        };
        *step = Step::failed(why);
    }

    /// Opens a connection, and times each step. Whether it can be used.
    async fn approach(&mut self, client: &ServerClient<'_>) -> bool {
        let (context, test) = (self.context, &mut *self.test);
        let limit = || client.remaining();
        let stream = match client.destination() {
            Destination::Pod(pod) => {
                let opened = client.forward(pod, limit());
                let detail = |_: &ServerStream| client.address();
                attempt(context, (TestStep::PortForward, &mut test.port_forward), opened, detail).await
            }
            Destination::Direct(origin) => {
                let resolved = route::resolve(origin, limit());
                let ips = |addresses: &Vec<std::net::SocketAddr>| {
                    let mut ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                    ips.dedup();
                    ips.join(", ")
                };
                let Some(addresses) = attempt(context, (TestStep::Resolve, &mut test.resolve), resolved, ips).await
                else {
                    return false;
                };
                let connected = route::connect(&addresses, limit());
                let peer = |stream: &TcpStream| stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
                let Some(stream) = attempt(context, (TestStep::Connect, &mut test.connect), connected, peer).await
                else {
                    return false;
                };
                if origin.tls {
                    let encrypted = route::encrypt(stream, origin, limit());
                    attempt(context, (TestStep::Tls, &mut test.tls), encrypted, |_| String::new()).await
                } else {
                    test.tls.detail = "the address begins with http://, so nothing is encrypted".into();
                    Some(route::plain(stream))
                }
            }
        };
        let Some(stream) = stream else { return false };
        match client.adopt(stream).await {
            Ok(()) => true,
            Err(failed) => {
                test.ready = step_of(failed);
                false
            }
        }
    }

    /// What the server answers.
    async fn ask(&mut self, client: &ServerClient<'_>) {
        self.ready(client).await;
        self.repeat(client).await;
        self.adapters(client).await;
    }

    /// Its readiness.
    async fn ready(&mut self, client: &ServerClient<'_>) {
        let steps = self.context.steps;
        steps.begin(TestStep::Ready, Some(client.remaining()));
        let started = Instant::now();
        let answer = client.send(&Ask::get("ready", "/healthz/ready?verbose=1")).await;
        let took = micros(started.elapsed());
        let not_offered = || Step::not_tried("this release does not offer it");
        self.test.ready = match answer {
            Ok(Answer::Json(_)) => Step::done(took, "ready"),
            Ok(Answer::Text(text)) => Step::done(took, text.lines().last().unwrap_or_default()),
            // The UI answers unknown paths, and a server without a session redirects them.
            Ok(Answer::Html(_) | Answer::Redirect(_) | Answer::Status(404 | 405, _)) => not_offered(),
            Ok(Answer::Status(status, text)) => Step::failed(format!("it responds with {status}: {text}")),
            Err(failed) => step_of(failed),
        };
        steps.ended(TestStep::Ready, &self.test.ready);
    }

    /// The cheapest request, again and again. Any response counts, because it is about the time.
    async fn repeat(&mut self, client: &ServerClient<'_>) {
        let (steps, count) = (self.context.steps, self.context.plan.count);
        let ask = Ask::get("request", "/healthz/live");
        for number in 1..=count {
            steps.repeat(TestStep::Request, None, number, count);
            let started = Instant::now();
            match client.send(&ask).await {
                Ok(_) => self.test.requests.push(micros(started.elapsed())),
                Err(_) => self.test.failed += 1,
            }
            if (self.test.requests.is_empty() && self.test.failed >= ENOUGH) || client.remaining().is_zero() {
                break;
            }
        }
        let status = match self.test.failed {
            0 => Status::Pass,
            _ if self.test.requests.is_empty() => Status::Fail,
            _ => Status::Warn,
        };
        let times = Timing::of(self.test.requests.iter().copied());
        steps.end(TestStep::Request, None, status, times.map(|times| times.p50_micros));
    }

    /// The adapters: those that the server lists, and others in the cluster.
    async fn adapters(&mut self, client: &ServerClient<'_>) {
        let mut all = self.facts.adapters.known().cloned().unwrap_or_default();
        let listed: Vec<String> = all.iter().map(|adapter| adapter.location.clone()).collect();
        let others = adapters::unlisted(self.context.facts, &listed);
        all.extend(others.into_iter().map(|location| Adapter { location, ..Adapter::default() }));
        for adapter in &mut all {
            let mut test = AdapterTest { location: adapter.location.clone(), ..AdapterTest::default() };
            test.ping = if listed.contains(&adapter.location) {
                self.ping_adapter(client, &adapter.location).await
            } else {
                Step::not_tried("the server does not list it")
            };
            self.show(TestStep::AdapterPort, &adapter.location, None);
            test.port = adapters::open_port(self.context, &adapter.location).await;
            self.show(TestStep::AdapterPort, &adapter.location, Some(&test.port));
            adapter.reached_by_server = reached(&test.ping);
            adapter.port_open = reached(&test.port);
            self.test.adapters.push(test);
        }
        if !all.is_empty() {
            self.facts.adapters = Seen::Known(all);
        }
    }

    /// The server's own request to an adapter.
    async fn ping_adapter(&self, client: &ServerClient<'_>, location: &str) -> Step {
        self.show(TestStep::Adapter, location, None);
        let started = Instant::now();
        let path = format!("/api/system/adapters?adapter={}", in_query(location));
        let step = match client.send(&Ask::get("adapter", path)).await {
            Ok(Answer::Json(_) | Answer::Text(_)) => Step::done(micros(started.elapsed()), ""),
            // Only an adapter that was reached once is known to this request.
            Ok(Answer::Status(400, _)) => {
                Step::not_tried("the server answers only for adapters that it reached before, so this proves nothing")
            }
            Ok(Answer::Status(status, text)) => {
                Step::failed(Failure::new(Kind::ServerError, format!("the server responds with {status}: {text}")))
            }
            Ok(Answer::Html(_)) => Step::not_tried("this release does not offer it"),
            Ok(Answer::Redirect(_)) => Step::not_tried("the session has ended"),
            Err(failed) => step_of(failed),
        };
        self.show(TestStep::Adapter, location, Some(&step));
        step
    }

    /// Shows a step that is about one adapter.
    fn show(&self, step: TestStep, location: &str, result: Option<&Step>) {
        let steps = self.context.steps;
        match result {
            None => steps.repeat(step, Some(location), 1, 1),
            Some(result) => steps.end(step, Some(location), step.status(result), result.micros.known().copied()),
        }
    }
}

/// Times one step and records its result.
async fn attempt<T>(
    context: &TestContext<'_>,
    (step, result): (TestStep, &mut Step),
    work: impl Future<Output = Result<T, Failed>>,
    detail: impl FnOnce(&T) -> String,
) -> Option<T> {
    context.steps.begin(step, None);
    let started = Instant::now();
    let done = work.await;
    *result = match &done {
        Ok(value) => Step::done(micros(started.elapsed()), detail(value)),
        Err(failed) => step_of(failed.clone()),
    };
    context.steps.ended(step, result);
    done.ok()
}

/// A step that failed.
fn step_of(failed: Failed) -> Step {
    if failed.missing.is_empty() {
        Step::failed(failed.failure)
    } else {
        Step { micros: Seen::Denied(Denial { missing: failed.missing }), detail: String::new() }
    }
}

/// Whether something was reached: a refusal and an error of the server are answers.
fn reached(step: &Step) -> Seen<bool> {
    match &step.micros {
        Seen::Unreachable(failure) if matches!(failure.kind, Kind::ConnectionRefused | Kind::ServerError) => {
            Seen::Known(false)
        }
        other => other.as_ref().map(|_| true),
    }
}

/// A text as a part of a query.
fn in_query(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
