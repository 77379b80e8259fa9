//! Queries `MeshSync` itself: its health endpoints through a port-forward, its version through the broker.

use std::time::Duration;

use async_nats::Client;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{TestContext, request};
use crate::{
    cluster::tunnel::Tunnel,
    facts::{FailureReason, MeshsyncTest, ProbeFailure, Step, TestStep, stack},
    observe::{
        broker::wire::{Received, Watched, guarded, settled, timed},
        connectivity::listener::micros,
        queries,
    },
    report::{Route, Status},
    stack::base::seen::{Denial, Seen},
};

/// The port of its health endpoints, fixed since 1.0.1. Older versions have none.
const PORT: u16 = 11000;

/// The timeout for one endpoint.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum size of an answer that is read.
const LONGEST: usize = 4096;

/// Sends all queries at once.
pub(crate) async fn ask(context: &TestContext<'_>) -> MeshsyncTest {
    let steps = context.steps;
    let connected = match context.meshsync_is_connected() {
        Some(true) => Status::Pass,
        Some(false) => Status::Fail,
        None => Status::Unknown,
    };
    steps.end(TestStep::Connection, None, connected, None);
    let clients: Vec<Client> = context.kept.lines().iter().map(|line| line.client.clone()).collect();
    let version = async {
        // A MeshSync that is not connected cannot answer, so there is no need to wait.
        if context.meshsync_is_connected() == Some(false) {
            return Step::not_tried("it is not connected to the broker");
        }
        steps.begin(TestStep::Meta, Some(request::RESPONSE_TIMEOUT));
        let version = request::version(&clients, context.facts.profile).await;
        steps.ended(TestStep::Meta, &version);
        version
    };
    let ((healthz, readyz), meta) = tokio::join!(pages(context), version);
    MeshsyncTest { healthz, readyz, meta }
}

/// Both health endpoints of the oldest running pod.
async fn pages(context: &TestContext<'_>) -> (Step, Step) {
    let container = context.facts.profile.meshsync.container;
    let pod = stack::meshsync_pods(context.facts)
        .into_iter()
        .filter_map(|pod| Some((pod, stack::running_since(pod, container)?)))
        .min_by_key(|(_, since)| *since);
    let Some((pod, _)) = pod else {
        let none = Step::not_tried("it has no running pod");
        return (none.clone(), none);
    };
    let name = stack::name(&pod.metadata);
    let page = async |step, path| {
        context.steps.begin(step, Some(context.api.remaining().min(RESPONSE_TIMEOUT)));
        let result = page(context, name, path).await;
        context.steps.ended(step, &result);
        result
    };
    tokio::join!(page(TestStep::Healthz, "/healthz"), page(TestStep::Readyz, "/readyz"))
}

/// Requests one endpoint over its own port-forward, because the server closes each connection afterwards.
async fn page(context: &TestContext<'_>, pod: &str, path: &str) -> Step {
    let started = Instant::now();
    let namespace = &context.facts.target.namespace;
    let limit = context.api.remaining().min(RESPONSE_TIMEOUT);
    let permissions = queries::port_forward(namespace);
    context.api.count();
    let client = context.clients.streams.clone();
    let opened = Tunnel::open(client, namespace, pod, &[PORT], limit, &permissions).await;
    let mut tunnel = match opened {
        Ok(tunnel) => tunnel,
        Err(failure) if !failure.missing.is_empty() => {
            return Step { micros: Seen::Denied(Denial { missing: failure.missing }), detail: String::new() };
        }
        Err(failure) => return Step::failed(failure.message),
    };
    let Some(port) = tunnel.take(PORT) else {
        return Step::failed("the port-forward lacks the port");
    };
    let received = Received::default();
    let stream = Watched::new(port.stream, &received);
    let work = timed(get(stream, path), limit, "its health port");
    let answer = guarded(work, port.error, &received).await;
    match answer.map_err(|failure| settled(failure, Route::PortForward, received.any(), false)) {
        Ok((200, body)) => Step::done(micros(started.elapsed()), body),
        Ok((status, body)) => Step::failed(format!("it responds with {status}: {body}")),
        // Versions before 1.0.1 have no health endpoints, which is not a fault.
        Err(failure) if failure.reason == FailureReason::Refused => {
            Step::not_tried("nothing listens on port 11000; MeshSync has health endpoints since 1.0.1")
        }
        Err(failure) => Step::failed(failure.message),
    }
}

async fn get<S>(stream: S, path: &str) -> Result<(u16, String), ProbeFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |_| ProbeFailure::broker(FailureReason::Closed, "the connection ended without a response");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let task = tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, "meshsync")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ProbeFailure::route_failed(FailureReason::Local, error.to_string()))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
        Ok((status, String::from_utf8_lossy(&body).trim().to_owned()))
    }
    .await;
    task.abort();
    answer
}
