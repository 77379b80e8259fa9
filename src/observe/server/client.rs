//! Requests to Meshery Server over HTTP/1.1.
//!
//! A redirect is never followed, because a server without a session redirects to its provider's host, and the cookies
//! are for this server only. `Set-Cookie` is ignored.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use http::{HeaderValue, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use secrecy::ExposeSecret;
use tokio::{sync::Semaphore, time::Instant};

pub(crate) use super::route::{Destination, ServerPod};
pub(crate) use super::{answer::Answer, ask::Ask};
use super::{
    answer::{Broken, read, size},
    route::{self, Failed, Forward, ServerStream},
};
use crate::{
    cluster::{
        ask::ApiClient,
        server_access::{NamedServer, ServerCredential},
        tunnel,
    },
    facts::{redact, server::ReachStep},
    observe::http1::Connection,
    stack::{
        base::{failure::Kind, words},
        profile::Profile,
    },
};

/// The maximum number of connections at the same time.
const CONNECTIONS: usize = 4;

/// How long to wait for the kubelet's message after a forwarded stream was closed.
const REASON_DELAY: Duration = Duration::from_millis(200);

/// The name of a local provider. A server with one needs no token.
const LOCAL_PROVIDER: &str = "None";

/// Sends requests to one server over at most four connections.
pub(crate) struct ServerClient<'a> {
    api: &'a ApiClient<'a>,
    /// For port-forwards.
    client: kube::Client,
    product: &'static str,
    destination: Destination,
    cookies: Cookies,
    /// The timeout of one request.
    limit: Duration,
    /// The end of all requests.
    end: Cell<Instant>,
    /// The end of the run, which is never exceeded.
    last: Instant,
    lanes: Semaphore,
    idle: RefCell<Vec<Lane>>,
    /// Why no connection was ever opened.
    dead: RefCell<Option<Failed>>,
    opened: Cell<bool>,
    micros: RefCell<BTreeMap<String, u64>>,
}

/// An open connection.
struct Lane {
    // The order matters: the port-forward is closed last.
    http: Connection,
    forward: Option<Forward>,
}

impl<'a> ServerClient<'a> {
    /// A client of the server that the user named, with the credential for it. `None` if its address cannot be used.
    pub(crate) fn named(
        api: &'a ApiClient<'a>,
        client: kube::Client,
        profile: &'static Profile,
        server: &NamedServer,
    ) -> Option<Self> {
        let origin = server.origin.clone().ok()?;
        let cookies = Cookies::of(profile, server.credential.as_ref());
        Some(Self::new(api, client, profile, Destination::Direct(origin), cookies))
    }

    /// A client of a server that was found in the cluster. It gets only the credential that the user chose for it.
    pub(crate) fn found(
        api: &'a ApiClient<'a>,
        client: kube::Client,
        profile: &'static Profile,
        pod: ServerPod,
        credential: Option<&ServerCredential>,
    ) -> Self {
        Self::new(api, client, profile, Destination::Pod(pod), Cookies::of(profile, credential))
    }

    fn new(
        api: &'a ApiClient<'a>,
        client: kube::Client,
        profile: &'static Profile,
        destination: Destination,
        cookies: Cookies,
    ) -> Self {
        let last = Instant::now() + api.time_left();
        Self {
            limit: api.remaining(),
            end: Cell::new(last),
            last,
            api,
            client,
            product: profile.product,
            destination,
            cookies,
            lanes: Semaphore::new(CONNECTIONS),
            idle: RefCell::default(),
            dead: RefCell::default(),
            opened: Cell::default(),
            micros: RefCell::default(),
        }
    }

    /// The same with lower limits: for one request, and for all together from now on.
    #[must_use]
    pub(crate) fn limited(self, each: Duration, all: Duration) -> Self {
        self.end_within(all);
        Self { limit: self.limit.min(each), ..self }
    }

    /// Sets the time for all further requests together, within that of the run.
    pub(crate) fn end_within(&self, all: Duration) {
        self.end.set(self.last.min(Instant::now() + all));
    }

    /// Whether a token is sent.
    pub(crate) fn sends_token(&self) -> bool {
        self.cookies.has_token
    }

    /// The provider that is named to the server.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.cookies.provider.as_deref()
    }

    /// The address as it is shown.
    pub(crate) fn address(&self) -> String {
        self.destination.address()
    }

    /// How the server is reached.
    pub(crate) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The time that each topic's slowest request took, in microseconds.
    pub(crate) fn micros(&self) -> BTreeMap<String, u64> {
        self.micros.borrow().clone()
    }

    /// The remaining time for a single request.
    pub(crate) fn remaining(&self) -> Duration {
        self.limit.min(self.left())
    }

    /// The remaining time for all requests.
    fn left(&self) -> Duration {
        self.end.get().saturating_duration_since(Instant::now())
    }

    /// Opens a stream to the server, all steps together.
    ///
    /// # Errors
    ///
    /// The step that failed, and why.
    pub(crate) async fn open(&self, limit: Duration) -> Result<ServerStream, Failed> {
        let end = Instant::now() + limit;
        let left = || end.saturating_duration_since(Instant::now());
        match &self.destination {
            Destination::Direct(origin) => {
                let addresses = route::resolve(origin, left()).await?;
                let stream = route::connect(&addresses, left()).await?;
                if origin.tls { route::encrypt(stream, origin, left()).await } else { Ok(route::plain(stream)) }
            }
            Destination::Pod(pod) => route::forward(self.api, self.client.clone(), pod, left()).await,
        }
    }

    /// Opens a port-forward to a pod of the server, as one step of a test.
    ///
    /// # Errors
    ///
    /// Why it failed.
    pub(crate) async fn forward(&self, pod: &ServerPod, limit: Duration) -> Result<ServerStream, Failed> {
        route::forward(self.api, self.client.clone(), pod, limit).await
    }

    /// Uses an open stream for the next request.
    ///
    /// # Errors
    ///
    /// Why HTTP cannot be started over it.
    pub(crate) async fn adopt(&self, stream: ServerStream) -> Result<(), Failed> {
        let lane = Lane::start(stream).await?;
        self.opened.set(true);
        self.idle.borrow_mut().push(lane);
        Ok(())
    }

    /// Sends a request, and classifies its answer.
    ///
    /// # Errors
    ///
    /// The step that failed, and why.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, Failed> {
        let started = Instant::now();
        let answer = self.send_in_time(ask).await;
        let took = started.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut times = self.micros.borrow_mut();
        let slowest = times.entry(ask.topic.to_owned()).or_default();
        *slowest = micros.max(*slowest);
        let outcome = match &answer {
            Ok(Answer::Json(text)) => format!("{} bytes of JSON", text.len()),
            Ok(Answer::Text(text)) => format!("{} bytes of text", text.len()),
            Ok(Answer::Html(status)) => format!("{status}, an HTML page"),
            Ok(Answer::Redirect(to)) => format!("a redirect to {to}"),
            Ok(Answer::Status(status, _)) => status.to_string(),
            Err(failed) => failed.failure.to_string(),
        };
        let (product, method, path) = (self.product, ask.method(), &ask.path);
        let took = took.as_secs_f64() * 1000.0;
        self.api.note(&format!("{product} Server: {method} {path}: {outcome} ({took:.1} ms)"));
        answer
    }

    async fn send_in_time(&self, ask: &Ask) -> Result<Answer, Failed> {
        let limit = ask.limit.min(self.limit.max(ask.patience)).min(self.left());
        let late = |why: String| Failed::at(ReachStep::Response, Kind::TimedOut, why);
        if limit.is_zero() {
            return Err(late("the time for this server was over before this request".into()));
        }
        let end = Instant::now() + limit;
        let work = async {
            let _permit = self.lanes.acquire().await;
            self.exchange(ask, end).await
        };
        let late = |_| Err(late(format!("no response within {}", words::span(limit))));
        tokio::time::timeout(limit, work).await.unwrap_or_else(late)
    }

    /// Sends a request over an idle connection, or over a new one. A server may close an idle one at any time, so that a
    /// new one is tried then; a change is sent over a new one, because it must not be sent twice.
    async fn exchange(&self, ask: &Ask, end: Instant) -> Result<Answer, Failed> {
        let changes = ask.payload.as_ref().is_some_and(|payload| payload.changes);
        let idle = if changes { None } else { self.idle.borrow_mut().pop() };
        if let Some(mut lane) = idle
            && lane.http.is_usable().await
        {
            match self.over(lane, ask).await {
                Err(failed) if is_closed(&failed) => {}
                answer => return answer,
            }
        }
        let lane = self.lane(end).await?;
        self.over(lane, ask).await
    }

    async fn lane(&self, end: Instant) -> Result<Lane, Failed> {
        if let Some(failed) = &*self.dead.borrow() {
            return Err(failed.clone());
        }
        // The step that waits is known only if it ends before the request does.
        let limit = end.saturating_duration_since(Instant::now()).saturating_sub(Duration::from_millis(5));
        let opened = match self.open(limit).await {
            Ok(stream) => Lane::start(stream).await,
            Err(failed) => Err(failed),
        };
        match &opened {
            Ok(_) => self.opened.set(true),
            Err(failed) if !self.opened.get() => *self.dead.borrow_mut() = Some(failed.clone()),
            Err(_) => {}
        }
        opened
    }

    async fn over(&self, mut lane: Lane, ask: &Ask) -> Result<Answer, Failed> {
        let request = self.request(ask)?;
        let response = lane.http.send(request).await;
        let response = match response {
            Ok(response) => response,
            Err(error) => return Err(lane.explain(&error).await),
        };
        let (answer, whole) = match read(response, ask.most, ask.first_event).await {
            Ok(answer) => answer,
            Err(Broken::TooLarge) => {
                let why = format!("its answer is larger than {}", size(ask.most));
                return Err(Failed::at(ReachStep::Response, Kind::TooLarge, why));
            }
            Err(Broken::Stream(error)) => return Err(lane.explain(&error).await),
        };
        if whole {
            self.idle.borrow_mut().push(lane);
        }
        Ok(answer)
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, Failed> {
        let host = match &self.destination {
            Destination::Direct(origin) => origin.authority(),
            Destination::Pod(pod) => format!("localhost:{}", pod.port),
        };
        let accept = if ask.first_event { "text/event-stream" } else { "application/json" };
        let mut request = Request::builder()
            .method(ask.method())
            .uri(&ask.path)
            .header(header::HOST, host)
            .header(header::ACCEPT, accept);
        let body = ask.payload.as_ref();
        if let Some(body) = body.filter(|body| !body.content.is_empty()) {
            request = request.header(header::CONTENT_TYPE, &body.content);
        }
        if let Some(cookies) = &self.cookies.header {
            request = request.header(header::COOKIE, cookies);
        }
        let body = Full::new(body.map(|body| body.bytes.clone()).unwrap_or_default());
        request.body(body).map_err(|error| Failed::at(ReachStep::Response, Kind::Other, error.to_string()))
    }
}

impl Lane {
    async fn start(stream: ServerStream) -> Result<Self, Failed> {
        let http = Connection::start(stream.bytes).await;
        let http = http.map_err(|error| route::of_stream(ReachStep::Response, &error))?;
        Ok(Self { http, forward: stream.forward })
    }

    /// Why an exchange failed: for a port-forward, the kubelet's message if there is one.
    async fn explain(&mut self, error: &hyper::Error) -> Failed {
        if let Some(forward) = &mut self.forward
            && !forward.received.any()
            && let Some(reason) = forward.error.take()
            && let Ok(Ok(Some(reason))) = tokio::time::timeout(REASON_DELAY, reason).await
        {
            let failure = tunnel::port_error(&reason).into();
            return Failed { step: ReachStep::PortForward, failure, missing: Vec::new() };
        }
        if error.is_incomplete_message() || error.is_canceled() {
            let why = "it closed the connection without a complete response";
            return Failed::at(ReachStep::Response, Kind::ConnectionClosed, why);
        }
        let mut failed = route::of_stream(ReachStep::Response, error);
        if failed.failure.kind == Kind::NotAnApiServer {
            failed.step = ReachStep::NotTheServer;
        }
        failed
    }
}

/// Whether the connection ended before an answer, as an idle one may.
fn is_closed(failed: &Failed) -> bool {
    matches!(failed.failure.kind, Kind::ConnectionClosed | Kind::ConnectionReset)
}

/// The cookies of a session.
struct Cookies {
    header: Option<HeaderValue>,
    provider: Option<String>,
    has_token: bool,
}

impl Cookies {
    /// Without a token, a server with a local provider accepts the name of that provider. What is no value of a cookie is
    /// not sent.
    fn of(profile: &Profile, credential: Option<&ServerCredential>) -> Self {
        let usable = |value: &&str| !value.is_empty() && value.bytes().all(is_cookie_byte);
        let token = credential.and_then(|credential| credential.token.as_ref()).map(ExposeSecret::expose_secret);
        let token = token.filter(usable);
        let provider = credential.and_then(|credential| credential.provider.as_deref());
        let provider = provider.filter(usable).or(token.is_none().then_some(LOCAL_PROVIDER));
        let mut parts = Vec::new();
        if let Some(token) = token {
            redact::remember(token);
            parts.push(format!("token={token}"));
        }
        if let Some(provider) = provider {
            parts.push(format!("{}={provider}", profile.server.provider_cookie));
        }
        let mut header = HeaderValue::from_str(&parts.join("; ")).ok();
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        Self { header, provider: provider.map(str::to_owned), has_token: token.is_some() }
    }
}

/// The characters of a cookie's value.
fn is_cookie_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
pub(super) mod tests;
