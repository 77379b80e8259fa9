//! A stand-in for Meshery Server on a loopback address: each generation of its API with its oddities, and a record of
//! every request.
//!
//! The answers of the generation of 2024 are those of a real server (Meshplay, September 2024, in `answers/`); only
//! names and IDs are replaced. Those of the newer generations are written after the source of that time.

mod controllers;
mod data;
mod graphql;
mod reply;
mod routes;
mod session;
mod setup;

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::reply::Reply;
pub(crate) use self::setup::{
    AdapterReply, CLUSTER_SECRET, Data, Generation, Link, Login, Ping, Probe, Product, Setup, Ui, expired_token, token,
};
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
}

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
        fault: impl Fn(&Request, &mut dyn Write) -> Option<io::Result<()>> + Send + Sync + 'static,
    ) -> Self {
        let state = State { setup, arrived: Vec::new(), searches: HashMap::new(), counted: 0 };
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
        change(&mut lock(&self.state).setup);
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

/// Records a request and returns the usual answer to it.
fn reply(state: &Mutex<State>, request: &Request) -> Reply {
    let (setup, searched, counted) = {
        let mut state = lock(state);
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
        (state.setup.clone(), searched, state.counted)
    };
    routes::reply(&routes::Asked { request, setup: &setup, searched, counted })
}
