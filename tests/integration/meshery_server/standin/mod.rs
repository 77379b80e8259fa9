//! A stand-in for Meshery Server on a loopback address: each generation of its API with its oddities, and a record of
//! every request.
//!
//! The answers of the generation of 2024 are those of a real server (Meshplay, September 2024, in `answers/`); only
//! names and IDs are replaced. Those of the newer generations are written after the source of that time.

mod changes;
mod controllers;
mod data;
mod graphql;
mod reply;
mod routes;
mod session;
mod setup;
mod upload;
mod writing;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use self::setup::{
    AdapterReply, CLUSTER_SECRET, Data, Generation, Link, Login, Ping, Probe, Product, Setup, Ui, expired_token, token,
};
pub(crate) use self::writing::{Fate, Inventory, Said, Upload, Write, Writing, Written, is_change};
use self::{changes::Effect, reply::Reply};
use crate::hostile::peer::{Peer, Request};

/// One request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// With its percent signs.
    pub(crate) query: String,
    /// The value of the header `Cookie`.
    pub(crate) cookies: Option<String>,
    /// The headers, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What changes while the server runs.
struct State {
    setup: Setup,
    arrived: Vec<Arrived>,
    /// How often each object was searched for, by name.
    searches: HashMap<String, usize>,
    /// How often stored objects were counted.
    counted: u64,
    /// The changes that were asked for.
    written: Vec<Written>,
    /// What a test does when a change is asked for.
    on_write: Option<OnWrite>,
    /// What takes effect later.
    pending: Vec<(Instant, Effect)>,
}

/// What a test does when a change is asked for.
type OnWrite = Box<dyn FnMut(&Written, &mut Setup) + Send>;

/// The stand-in. It stops listening on drop.
pub(crate) struct StandIn {
    peer: Peer,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    /// Starts a server.
    pub(crate) fn start(setup: Setup) -> Self {
        Self::with_fault(setup, |_, _| None)
    }

    /// Starts a server with a fault, which answers first. What it leaves is answered as usual.
    pub(crate) fn with_fault(
        setup: Setup,
        fault: impl Fn(&Request, &mut dyn io::Write) -> Option<io::Result<()>> + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            setup,
            arrived: Vec::new(),
            searches: HashMap::new(),
            counted: 0,
            written: Vec::new(),
            on_write: None,
            pending: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let answering = state.clone();
        let peer = Peer::start(move |request, to| {
            let reply = reply(&answering, request);
            fault(request, to).unwrap_or_else(|| reply.write(to))
        });
        Self { peer, state }
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.peer.endpoint())
    }

    /// `127.0.0.1:port`.
    pub(crate) fn endpoint(&self) -> String {
        self.peer.endpoint()
    }

    /// The port at 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        let endpoint = self.peer.endpoint();
        endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Changes what the server answers from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Setup)) {
        let mut state = lock(&self.state);
        take_effect(&mut state);
        change(&mut state.setup);
    }

    /// What the server is like now.
    pub(crate) fn setup(&self) -> Setup {
        let mut state = lock(&self.state);
        take_effect(&mut state);
        state.setup.clone()
    }

    /// Runs a closure when a change is asked for, whether it is carried out or not, before the answer.
    ///
    /// It can change the server, start or stop clients of the broker, or send to a channel. No other request is answered
    /// meanwhile.
    pub(crate) fn on_write(&self, act: impl FnMut(&Written, &mut Setup) + Send + 'static) {
        lock(&self.state).on_write = Some(Box::new(act));
    }

    /// The changes that were asked for so far, in order, as [`Written`] shows them.
    pub(crate) fn written(&self) -> Vec<String> {
        lock(&self.state).written.iter().map(ToString::to_string).collect()
    }

    /// Fails unless exactly these changes were asked for, in this order.
    #[track_caller]
    pub(crate) fn assert_written(&self, expected: &[&str]) {
        assert_eq!(self.written(), expected);
    }

    /// Fails if any change was asked for more than once.
    #[track_caller]
    pub(crate) fn assert_nothing_written_twice(&self) {
        let written = self.written();
        let mut once = written.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), written.len(), "{written:#?}");
    }

    /// Forgets the requests so far, so that the next run can be judged by itself.
    pub(crate) fn forget(&self) {
        let mut state = lock(&self.state);
        state.written.clear();
        state.arrived.clear();
    }

    /// Waits until a change whose words begin so was asked for. Fails after 30 seconds.
    pub(crate) async fn until_written(&self, words: &str) {
        for _ in 0..1500 {
            if self.written().iter().any(|written| written.starts_with(words)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no {words} arrived: {:#?}", self.requests());
    }

    /// The requests so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        lock(&self.state).arrived.clone()
    }

    /// The requests so far, as `GET /path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.arrived().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// The cookies of all requests so far, each once.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let mut cookies: Vec<String> = self.arrived().into_iter().filter_map(|request| request.cookies).collect();
        cookies.sort();
        cookies.dedup();
        cookies
    }

    /// Whether anything that arrived contains this text.
    pub(crate) fn received(&self, text: &str) -> bool {
        self.arrived().iter().any(|request| format!("{request:?}").contains(text))
    }

    /// What a program that only reads must not have sent.
    ///
    /// `GET /api/system/sync` looks like a read, but it resets the connections to clusters and may deploy the operator.
    /// With the cookie `session_cookie` a failed look-up of the user logs the session out. The operator's status in
    /// GraphQL imports the server's kubeconfig if it has no context. The credentials of the cluster are not for it.
    pub(crate) fn writes(&self) -> Vec<String> {
        let no_context = lock(&self.state).setup.connections.is_empty();
        let is_write = |request: &Arrived| {
            let asks = request.method == "POST"
                && request.path == "/api/system/graphql/query"
                && !["mutation", "subscription", "resyncCluster"].iter().any(|word| request.body.contains(word))
                && !(no_context && request.body.contains("getOperatorStatus"));
            (request.method != "GET" && !asks)
                || request.path == "/api/system/sync"
                || request.headers.iter().any(|(name, _)| name == "authorization")
                || request.cookies.as_ref().is_some_and(|cookies| cookies.contains("session_cookie"))
        };
        let arrived = self.arrived().into_iter().filter(is_write);
        arrived.map(|request| format!("{} {} {}", request.method, request.path, request.body)).collect()
    }

    /// Fails unless every request only read.
    #[track_caller]
    pub(crate) fn assert_only_read(&self) {
        let writes = self.writes();
        assert!(writes.is_empty(), "the server received {writes:#?}");
        for request in self.arrived() {
            // Each handler reads one spelling of a page's size, and some fail if it is not a number.
            let spelled = ["pagesize=", "pageSize="].map(|name| request.query.contains(name));
            assert_eq!(spelled[0], spelled[1], "{request:?}");
            assert!(!request.query.contains("all"), "{request:?}");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what was to take effect by now.
fn take_effect(state: &mut State) {
    let now = Instant::now();
    let (due, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut state.pending).into_iter().partition(|of| of.0 <= now);
    state.pending = pending;
    for (_, effect) in due {
        effect(&mut state.setup);
    }
}

/// Records a request, and returns the usual answer to it.
fn reply(state: &Mutex<State>, request: &Request) -> Reply {
    let mut state = lock(state);
    let state = &mut *state;
    take_effect(state);
    state.arrived.push(Arrived {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        cookies: request.header("cookie").map(str::to_owned),
        headers: request.headers.clone(),
        body: request.body.clone(),
    });
    let searched = match routes::value(request, "search") {
        Some(name) if request.path.ends_with("/meshsync/resources") => {
            let searches = state.searches.entry(name).or_default();
            *searches += 1;
            *searches
        }
        _ => 0,
    };
    if request.path.contains("/meshsync/resources") {
        state.counted += 1;
    }
    let setup = state.setup.clone();
    let asked = routes::Asked { request, setup: &setup, searched, counted: state.counted };
    let Some(written) = writing::written(request) else { return routes::reply(&asked) };
    state.written.push(written.clone());
    let reply = change(state, &asked, &written);
    if let Some(on_write) = &mut state.on_write {
        on_write(&written, &mut state.setup);
    }
    reply
}

/// Carries out a change, and returns the answer.
fn change(state: &mut State, asked: &routes::Asked<'_>, written: &Written) -> Reply {
    let session = match session::session(asked) {
        Ok(session) => session,
        Err(refused) => return Reply::Whole(*refused),
    };
    let fate = state.setup.writing.fates.get(&written.write).cloned();
    match &fate {
        Some(Fate::Refused(status, said)) => return said.reply(*status).into(),
        Some(Fate::Redirected(to)) => return reply::redirect(to, "").into(),
        Some(Fate::CutBefore) => return Reply::Cut,
        _ => (),
    }
    let Some(done) = changes::carry_out(asked, session, written) else {
        return routes::absent(asked).into();
    };
    if fate != Some(Fate::Ignored)
        && let Some(now) = done.now
    {
        now(&mut state.setup);
    }
    if !matches!(fate, Some(Fate::Ignored | Fate::Stuck))
        && let Some(later) = done.later
    {
        state.pending.push((Instant::now() + state.setup.writing.takes, later));
        take_effect(state);
    }
    match fate {
        Some(Fate::Cut) => Reply::Cut,
        Some(Fate::Hangs(time)) => Reply::Hangs(time),
        _ => done.reply,
    }
}
