//! Tests Meshery Server: the way to it step by step, and then what it answers.

mod adapters;
mod words;

use std::{future::Future, time::Duration};

use tokio::{net::TcpStream, time::Instant};

use super::TestContext;
use crate::{
    facts::{
        Step, TestStep,
        server::{
            Adapter, AdapterTest, ApiGeneration, ClusterConnection, MesheryServerTest, ServerFacts, ServerRoute,
            ServerSession,
        },
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

/// The number of adapters that are tested. A release has about ten.
const TESTED: usize = 50;

/// The number of failed small requests after which no more are sent.
const ENOUGH: u64 = 3;

/// A client of the server of this run, with its credential. `None` if there is no server.
pub(super) fn client<'a>(context: &'a TestContext<'_>) -> Option<ServerClient<'a>> {
    crate::observe::server::client(context.api, &context.clients.streams, &context.scope.server, context.facts)
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

    /// What the server answers. One that did not answer the observation is not asked again.
    async fn ask(&mut self, client: &ServerClient<'_>) {
        if let Some(why) = &self.facts.unreachable {
            self.test.session = Step::failed(why.message.clone());
            self.context.steps.ended(TestStep::Session, &self.test.session);
            return;
        }
        self.ready(client).await;
        self.repeat(client).await;
        self.session(client).await;
        self.view(client).await;
        self.adapters(client).await;
        self.counts(client).await;
        // It may take all the time that is left.
        self.test.version = self.version(client).await;
    }

    /// Its version, and whether it is outdated. A server without a way to the Internet answers late or never, which is no
    /// fault.
    async fn version(&mut self, client: &ServerClient<'_>) -> Step {
        let steps = self.context.steps;
        steps.begin(TestStep::Version, Some(VERSION_TIMEOUT));
        let started = Instant::now();
        let is_late = |release: &Seen<_>| release.failure().is_some_and(|failure| failure.kind == Kind::TimedOut);
        // One that came too late for the observation would do so again.
        let release = if is_late(&self.facts.version) {
            self.facts.version.clone()
        } else {
            client.version(VERSION_TIMEOUT).await
        };
        let step = if is_late(&release) {
            Step::not_tried(
                "no answer in time: it looks for the newest version first, which needs a way to the Internet",
            )
        } else {
            Step {
                detail: release.known().map(words::of_release).unwrap_or_default(),
                micros: release.as_ref().map(|_| micros(started.elapsed())),
            }
        };
        // A version that was known before is not forgotten.
        if release.known().is_some() {
            self.facts.version = release;
        }
        steps.ended(TestStep::Version, &step);
        step
    }

    /// Who we are for it.
    async fn session(&mut self, client: &ServerClient<'_>) {
        let steps = self.context.steps;
        steps.begin(TestStep::Session, Some(client.remaining()));
        let started = Instant::now();
        let answer = client.user().await;
        let took = micros(started.elapsed());
        let provider = self.facts.provider.as_ref().map(|name| format!("provider {name}")).unwrap_or_default();
        self.test.session = match (answer, &self.facts.session) {
            (Err(failed), _) => step_of(failed),
            (Ok(Answer::Json(_)), ServerSession::LoggedIn) => Step::done(took, provider),
            (Ok(Answer::Json(_)), ServerSession::Local) => Step::done(took, "with its local provider, without a token"),
            (Ok(_), session) => Step::failed(words::why_no_session(session)),
        };
        steps.ended(TestStep::Session, &self.test.session);
    }

    /// What it says of this cluster: whether it reaches the API server, and the states of the controllers.
    async fn view(&mut self, client: &ServerClient<'_>) {
        let steps = self.context.steps;
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(why) => {
                self.test.ping = Step::not_tried(why.clone());
                self.test.controllers = Step::not_tried(why);
                return;
            }
        };
        steps.begin(TestStep::Ping, Some(client.remaining()));
        let started = Instant::now();
        let (ping, status) = client.ping(&connection.id).await;
        self.test.ping = Step {
            micros: ping.as_ref().map(|_| micros(started.elapsed())),
            detail: ping.known().map(|version| format!("Kubernetes {version}")).unwrap_or_default(),
        };
        // An answer that was given before is not forgotten because there was no time for another one.
        let late = ping.failure().is_some_and(|failure| failure.kind == Kind::TimedOut);
        if !late || self.facts.ping.known().is_none() {
            (self.facts.ping, self.facts.ping_status) = (ping, status);
        }
        steps.ended(TestStep::Ping, &self.test.ping);

        steps.begin(TestStep::Controllers, Some(client.remaining()));
        let started = Instant::now();
        let controllers = match self.facts.generation {
            Seen::Known(ApiGeneration::Controllers) => client.controllers(&connection.id).await,
            _ => client.older_controllers(Some(&connection)).await.controllers,
        };
        self.test.controllers = match &controllers {
            Seen::Absent => Step::not_tried("this release does not offer it"),
            other => Step {
                micros: other.as_ref().map(|_| micros(started.elapsed())),
                detail: other.known().map(|views| words::said(views)).unwrap_or_default(),
            },
        };
        steps.ended(TestStep::Controllers, &self.test.controllers);
    }

    /// Its stored connection to this cluster, or why there is none.
    fn connection(&self) -> Result<ClusterConnection, String> {
        if !self.facts.has_session() {
            return Err("not logged in".into());
        }
        let Some(cluster_id) = self.context.facts.cluster_id.known() else {
            return Err("the ID of this cluster, the UID of namespace kube-system, is not known".into());
        };
        if let Some(why) = self.facts.connections.why_unsettled() {
            return Err(format!("its connections could not be read: {why}"));
        }
        let connection = self.facts.connection_to(cluster_id);
        connection.cloned().ok_or_else(|| "it has no connection to this cluster".into())
    }

    /// Counts its data again: a number that grows shows that it is still receiving.
    async fn counts(&mut self, client: &ServerClient<'_>) {
        let steps = self.context.steps;
        let Some(cluster_id) = self.context.facts.cluster_id.known().filter(|_| self.facts.has_session()) else {
            let why = if self.facts.has_session() { "the ID of this cluster is not known" } else { "not logged in" };
            self.test.counts = Step::not_tried(why);
            return;
        };
        steps.begin(TestStep::Counts, Some(client.remaining()));
        let started = Instant::now();
        let newest = self.facts.generation == Seen::Known(ApiGeneration::Controllers);
        let kinds: Vec<String> = self.facts.served.keys().cloned().collect();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let data = client.data(cluster_id, newest, &kinds).await;
        self.test.counts = Step {
            micros: data.as_ref().map(|_| micros(started.elapsed())),
            detail: data.known().map(|data| words::counted(data, &self.facts)).unwrap_or_default(),
        };
        match (&mut self.facts.data, data) {
            (Seen::Known(before), Seen::Known(now)) => before.later = now.total,
            (before, now) => *before = now,
        }
        steps.ended(TestStep::Counts, &self.test.counts);
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
        self.list_adapters(client, all.len()).await;
        all.truncate(TESTED);
        let listed: Vec<String> = all.iter().map(|adapter| adapter.location.clone()).collect();
        let others = adapters::unlisted(self.context.facts, &listed);
        all.extend(others.into_iter().take(TESTED).map(|location| Adapter { location, ..Adapter::default() }));
        for adapter in &mut all {
            let mut test = AdapterTest { location: adapter.location.clone(), ..AdapterTest::default() };
            test.ping = if listed.contains(&adapter.location) {
                self.ping_adapter(client, &adapter.location).await
            } else if self.facts.has_session() {
                Step::not_tried("the server does not list it")
            } else {
                Step::not_tried("not logged in")
            };
            self.show(TestStep::AdapterPort, &adapter.location, None);
            test.port = adapters::open_port(self.context, &adapter.location).await;
            self.show(TestStep::AdapterPort, &adapter.location, Some(&test.port));
            if !test.ping.micros.is_not_looked() {
                adapter.reached_by_server = reached(&test.ping);
            }
            adapter.port_open = reached(&test.port);
            self.test.adapters.push(test);
        }
        if !all.is_empty() {
            self.facts.adapters = Seen::Known(all);
        }
    }

    /// Its list of adapters.
    async fn list_adapters(&mut self, client: &ServerClient<'_>, known: usize) {
        let steps = self.context.steps;
        if !self.facts.has_session() {
            self.test.adapter_list = Step::not_tried("not logged in");
            return;
        }
        steps.begin(TestStep::Adapters, Some(client.remaining()));
        let started = Instant::now();
        let answer = client.send(&Ask::get("adapters", "/api/system/adapters")).await;
        let took = micros(started.elapsed());
        self.test.adapter_list = match (answer, &self.facts.adapters) {
            (Ok(Answer::Json(_)), Seen::Known(_)) if known == 0 => Step::done(took, "none"),
            (Ok(Answer::Json(_)), Seen::Known(_)) => Step::done(took, format!("{known} listed")),
            (Err(failed), _) => step_of(failed),
            (_, adapters) => Step { micros: adapters.as_ref().map(|_| took), detail: String::new() },
        };
        steps.ended(TestStep::Adapters, &self.test.adapter_list);
    }

    /// The server's own request to an adapter.
    async fn ping_adapter(&self, client: &ServerClient<'_>, location: &str) -> Step {
        self.show(TestStep::Adapter, location, None);
        let started = Instant::now();
        let reached = client.reaches(location).await;
        let took = micros(started.elapsed());
        let step = match reached {
            Seen::Known(true) => Step::done(took, ""),
            Seen::Known(false) => Step::failed(Failure::new(Kind::ServerError, "the server cannot reach it")),
            // Only an adapter that was used before is known to this request, so that this proves nothing.
            Seen::Unreachable(failure) if failure.kind == Kind::NotSupported => Step::not_tried(failure.message),
            Seen::Absent => Step::not_tried("this release does not offer it"),
            other => Step { micros: other.map(|_| took), detail: String::new() },
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
