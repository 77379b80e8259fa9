//! Probes one broker server by every available route.

use std::{cell::RefCell, pin::pin, rc::Rc, time::Duration};

use futures_util::future::{Either, select};
use k8s_openapi::api::core::v1::Pod;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::oneshot,
};

use super::{
    handshake::{Greeted, Line},
    monitor,
    wire::{BothReceived, Received, Watched, guarded, open_connection, settled, timed},
};
use crate::{
    cluster::{ask::ApiClient, tunnel::Tunnel},
    facts::{
        Attempt, BrokerServer, Facts, FailureKind, FailureReason, Greeting, Handshake, NotTried, ProbeFailure, Varz,
        stack, token::Token,
    },
    observe::queries,
    report::Route,
    stack::base::seen::Seen,
};

/// The timeout for one server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a probe needs in addition to the facts so far.
pub(crate) struct Probe<'a> {
    /// For the limits and `-v`.
    pub api: &'a ApiClient<'a>,
    /// For port-forwards.
    pub client: kube::Client,
    /// The facts so far.
    pub facts: &'a Facts,
    /// The token, if it could be read.
    pub token: Option<&'a Token>,
    /// Receives the connections that are used after the observation.
    pub kept: Option<&'a Kept>,
}

/// Connections to servers of the stack's own broker, with their port-forwards.
#[derive(Default)]
pub(crate) struct Kept {
    lines: RefCell<Vec<Rc<Line>>>,
    tunnels: RefCell<Vec<Tunnel>>,
}

impl Kept {
    /// Every connection. There may be several to one server, and some may have ended.
    pub(crate) fn lines(&self) -> Vec<Rc<Line>> {
        self.lines.borrow().clone()
    }
}

/// The owner of a server, which decides whether it may receive the token.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// The stack's own.
    Ours,
    /// Another broker that `MeshSync` is configured to use.
    Others,
}

/// The result of one route to a pod's server.
struct RouteResult {
    route: Route,
    address: Option<String>,
    result: Result<BrokerServer, ProbeFailure>,
}

impl RouteResult {
    /// Whether it reached the server and its monitor.
    fn is_whole(&self) -> bool {
        self.result.as_ref().is_ok_and(|server| server.monitor.is_none())
    }
}

impl Probe<'_> {
    /// The timeout for one server. Time is left for the steps after the broker.
    pub(crate) fn limit(&self) -> Duration {
        (self.api.remaining() / 3).min(RESPONSE_TIMEOUT)
    }

    /// Probes one broker pod's server: through a port-forward and, if we run in the cluster, also by its address at the
    /// same time.
    pub(super) async fn pod(&self, pod: &Pod, owner: Owner) -> (Option<BrokerServer>, Vec<Attempt>) {
        let name = stack::name(&pod.metadata);
        let attempt = |route, address, failure| Attempt { pod: Some(name.to_owned()), route, address, failure };
        if stack::nats_running_since(self.facts, pod).is_none() {
            let failure = ProbeFailure::broker(FailureReason::NoServer, "no NATS server runs in the pod");
            return (None, vec![attempt(Route::PortForward, None, Some(failure))]);
        }
        let (first, second) = match stack::pod_ip(pod).filter(|_| self.facts.in_cluster) {
            None => (self.by_forward(name, owner).await, None),
            Some(ip) => {
                let by_address = pin!(self.by_address(ip, owner));
                let by_forward = pin!(self.by_forward(name, owner));
                // The first complete answer wins. A NetworkPolicy may block an address but not a port-forward.
                match select(by_address, by_forward).await {
                    Either::Left((tried, _)) | Either::Right((tried, _)) if tried.is_whole() => (tried, None),
                    Either::Left((tried, other)) => (tried, Some(other.await)),
                    Either::Right((tried, other)) => (tried, Some(other.await)),
                }
            }
        };
        let mut servers = Vec::new();
        let mut attempts = Vec::new();
        for tried in [Some(first), second].into_iter().flatten() {
            let (server, failure) = match tried.result {
                Ok(server) => (Some(server), None),
                Err(failure) => (None, Some(failure)),
            };
            attempts.push(attempt(tried.route, tried.address, failure));
            servers.extend(server);
        }
        // An answer from the monitor is worth more than a greeting alone.
        servers.sort_by_key(|server| server.monitor.is_some());
        let server = servers.into_iter().next().map(|server| BrokerServer { pod: Some(name.into()), ..server });
        (server, attempts)
    }

    async fn by_address(&self, ip: &str, owner: Owner) -> RouteResult {
        RouteResult { route: Route::PodAddress, address: Some(ip.into()), result: self.pod_address(ip, owner).await }
    }

    async fn by_forward(&self, name: &str, owner: Owner) -> RouteResult {
        let started = tokio::time::Instant::now();
        let result = Box::pin(self.port_forward(name, owner)).await;
        self.api.note(&format!(
            "port-forward {name}: {} ({:.1} ms)",
            match &result {
                Ok(server) => match &server.monitor {
                    Some(failure) => format!("NATS {}, {}", server.varz.version, failure.message),
                    None => format!("NATS {}", server.varz.version),
                },
                Err(failure) => failure.message.clone(),
            },
            started.elapsed().as_secs_f64() * 1000.0
        ));
        RouteResult { route: Route::PortForward, address: None, result }
    }

    async fn port_forward(&self, pod: &str, owner: Owner) -> Result<BrokerServer, ProbeFailure> {
        let names = &self.facts.profile.broker;
        let namespace = &self.facts.target.namespace;
        let limit = self.limit();
        let permissions = queries::port_forward(namespace);
        self.api.count();
        let mut tunnel = Tunnel::open(
            self.client.clone(),
            namespace,
            pod,
            &[names.monitor_port, names.client_port],
            limit,
            &permissions,
        )
        .await?;
        let (Some(monitor), Some(client)) = (tunnel.take(names.monitor_port), tunnel.take(names.client_port)) else {
            return Err(ProbeFailure::route_failed(FailureReason::PortForward, "the port-forward lacks a port"));
        };
        let (tell, named) = oneshot::channel();
        let received = BothReceived::default();
        let monitor_stream = Watched::new(monitor.stream, &received.monitor);
        let answer =
            guarded(monitor::ask(monitor_stream, self.facts.profile, tell, limit), monitor.error, &received.monitor);
        let client_stream = Watched::new(client.stream, &received.client);
        let greeting =
            guarded(timed(Greeted::read(client_stream), limit, "the client port"), client.error, &received.client);
        let joined = self.server(Route::PortForward, owner, answer, greeting, named, &received);
        let mut server = Box::pin(joined).await?;
        server.pod = Some(pod.into());
        if let Some(kept) = self.kept {
            kept.tunnels.borrow_mut().push(tunnel);
        }
        Ok(server)
    }

    /// The result of a handshake. Its connection is kept if connections are requested.
    fn keep(&self, (handshake, line): (Handshake, Option<Line>)) -> Handshake {
        if let Some(kept) = self.kept {
            kept.lines.borrow_mut().extend(line.map(Rc::new));
        }
        handshake
    }

    async fn pod_address(&self, ip: &str, owner: Owner) -> Result<BrokerServer, ProbeFailure> {
        let port = self.facts.profile.broker.client_port;
        let server = self.direct(Route::PodAddress, owner, (ip, port), self.limit()).await?;
        Ok(BrokerServer { address: Some(ip.into()), ..server })
    }

    /// Probes both ports of a server at an address.
    pub(super) async fn direct(
        &self,
        route: Route,
        owner: Owner,
        (host, port): (&str, u16),
        limit: Duration,
    ) -> Result<BrokerServer, ProbeFailure> {
        let received = BothReceived::default();
        let (tell, named) = oneshot::channel();
        let answer = self.direct_monitor(host, self.facts.profile.broker.monitor_port, limit, tell, &received.monitor);
        let greeting = self.direct_greeting(host, port, limit, &received.client);
        self.server(route, owner, answer, greeting, named, &received).await
    }

    /// Combines a pod's answers. Its monitor confirms the server, which may then receive the token while the monitor
    /// sends its list.
    pub(crate) async fn server<S>(
        &self,
        route: Route,
        owner: Owner,
        answer: impl Future<Output = Result<monitor::Answer, ProbeFailure>>,
        greeting: impl Future<Output = Result<Greeted<S>, ProbeFailure>>,
        named: oneshot::Receiver<String>,
        received: &BothReceived,
    ) -> Result<BrokerServer, ProbeFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = async {
            let greeting = greeting.await;
            // Without an ID the monitor has failed, and the server that sent the greeting is not confirmed.
            let id = named.await.unwrap_or_default();
            let said = greeting.as_ref().ok().map(|g| g.greeting().clone());
            let handshake = match greeting {
                Ok(_) if id.is_empty() => Handshake::not_tried(NotTried::Unnamed),
                Ok(greeted) if greeted.server_id() == id => match owner {
                    Owner::Ours => self.keep(greeted.shake(self.token, self.limit()).await),
                    Owner::Others => Handshake::not_tried(NotTried::NotOurs),
                },
                Ok(_) => Handshake::not_tried(NotTried::OtherServer),
                Err(failure) => Handshake::Failed(failure),
            };
            (said, handshake)
        };
        let (answer, (greeting, handshake)) = tokio::join!(answer, handshake);
        let (monitor, client) = (received.monitor.any(), received.client.any());
        let answer = answer.map_err(|failure| settled(failure, route, monitor, client));
        // Both ports share a port-forward, and unread data of one blocks the other.
        let jammed = route == Route::PortForward && answer.as_ref().is_ok_and(|answer| answer.abandoned);
        if let (true, Ok(answer), Some(kept)) = (jammed, &answer, self.kept) {
            let mut lines = kept.lines.borrow_mut();
            lines.retain(|line| line.server_id != answer.varz.server_id);
        }
        let handshake = match handshake {
            Handshake::Failed(failure) if jammed => Handshake::Failed(ProbeFailure::route_failed(
                failure.reason,
                "the monitor's endless response blocks the port-forward",
            )),
            Handshake::Failed(failure) => Handshake::Failed(settled(failure, route, client, monitor)),
            other => other,
        };
        match (answer, greeting, handshake) {
            (Ok(answer), greeting, handshake) => Ok(BrokerServer { handshake, greeting, ..answer.of_server(route) }),
            (Err(failure), Some(greeting), handshake) => Ok(without_monitor(route, greeting, failure, handshake)),
            // Of two failures, the one that proves something.
            (Err(failure), None, Handshake::Failed(other))
                if failure.kind != FailureKind::Broker && other.kind == FailureKind::Broker =>
            {
                Err(other)
            }
            (Err(failure), None, _) => Err(failure),
        }
    }

    pub(crate) async fn direct_monitor(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
        named: oneshot::Sender<String>,
        received: &Received,
    ) -> Result<monitor::Answer, ProbeFailure> {
        let stream = Watched::new(open_connection(host, port, limit).await?, received);
        monitor::ask(stream, self.facts.profile, named, limit).await
    }

    pub(crate) async fn direct_greeting(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
        received: &Received,
    ) -> Result<Greeted<Watched<TcpStream>>, ProbeFailure> {
        let stream = Watched::new(open_connection(host, port, limit).await?, received);
        timed(Greeted::read(stream), limit, "the client port").await
    }
}

/// What the greeting alone proves about a server.
fn without_monitor(route: Route, greeting: Greeting, failure: ProbeFailure, handshake: Handshake) -> BrokerServer {
    BrokerServer {
        reached_by: route,
        varz: Varz {
            server_id: greeting.server_id.clone(),
            server_name: Some(greeting.server_name.clone()).filter(|name| !name.is_empty()),
            version: greeting.version.clone(),
            auth_required: greeting.auth_required,
            tls_required: greeting.tls_required,
            max_payload: greeting.max_payload,
            ..Varz::default()
        },
        connections: Seen::failed(failure.clone()),
        handshake,
        greeting: Some(greeting),
        monitor: Some(failure),
        ..BrokerServer::default()
    }
}
