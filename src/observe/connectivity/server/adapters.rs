//! The adapters' own ports, through port-forwards to their pods.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::Instant,
};

use crate::{
    cluster::tunnel::Tunnel,
    facts::{Facts, FailureReason, ProbeFailure, Step, stack},
    observe::{
        broker::wire::{Received, Watched, guarded},
        connectivity::{TestContext, listener::micros},
        queries,
    },
    stack::base::{
        seen::{Denial, Seen},
        words,
    },
};

/// How long a port may take to send something.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a client of gRPC sends first: the preface of HTTP/2 and empty settings. The server answers with its settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The Deployment of an adapter with this address, if it is in the namespace.
pub(super) fn deployment_of<'a>(facts: &'a Facts, location: &str) -> Option<&'a Deployment> {
    let host = location.split([':', '.']).next().unwrap_or_default();
    stack::adapters(facts).into_iter().find(|deployment| stack::name(&deployment.metadata) == host)
}

/// The addresses of the adapters in the cluster that the server does not list.
pub(super) fn unlisted(facts: &Facts, listed: &[String]) -> Vec<String> {
    let adapters = stack::adapters(facts).into_iter();
    adapters
        .filter(|deployment| {
            let name = stack::name(&deployment.metadata);
            !listed.iter().any(|location| location.split([':', '.']).next() == Some(name))
        })
        .filter_map(|deployment| {
            let port = first_port(deployment)?;
            Some(format!("{}:{port}", stack::name(&deployment.metadata)))
        })
        .collect()
}

/// Opens the port of an adapter, and waits for what it sends.
pub(super) async fn open_port(context: &TestContext<'_>, location: &str) -> Step {
    let facts = context.facts;
    let Some(deployment) = deployment_of(facts, location) else {
        return Step::not_tried(format!("it has no Deployment in namespace {}", facts.target.namespace));
    };
    let container = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref())
        .and_then(|spec| spec.containers.first())
        .map(|container| container.name.as_str())
        .unwrap_or_default();
    let pods = stack::pods_selected_by(facts, deployment);
    let Some(pod) = pods.into_iter().find(|pod| stack::running_since(pod, container).is_some()) else {
        return Step::not_tried("it has no running pod");
    };
    let Some(port) = port_of(facts, pod, location) else {
        return Step::not_tried("its address has no port");
    };
    let limit = context.api.remaining().min(RESPONSE_TIMEOUT);
    let started = Instant::now();
    let opened = through_port_forward(context, stack::name(&pod.metadata), port, limit).await;
    match opened {
        Ok(detail) => Step::done(micros(started.elapsed()), format!("port {port} {detail}")),
        Err(failure) if !failure.missing.is_empty() => {
            Step { micros: Seen::Denied(Denial { missing: failure.missing }), detail: String::new() }
        }
        Err(failure) => Step::failed(failure),
    }
}

/// What the port does after it accepted the connection.
async fn through_port_forward(
    context: &TestContext<'_>,
    pod: &str,
    port: u16,
    limit: Duration,
) -> Result<&'static str, ProbeFailure> {
    let namespace = &context.facts.target.namespace;
    let permissions = queries::port_forward(namespace);
    context.api.count();
    let client = context.clients.streams.clone();
    let mut tunnel = Tunnel::open(client, namespace, pod, &[port], limit, &permissions).await?;
    let Some(forwarded) = tunnel.take(port) else {
        return Err(ProbeFailure::route_failed(FailureReason::PortForward, "the port-forward lacks the port"));
    };
    let received = Received::default();
    let stream = Watched::new(forwarded.stream, &received);
    guarded(first_bytes(stream, limit), forwarded.error, &received).await
}

/// Waits for the first bytes: an accepted port-forward alone proves nothing about the port.
async fn first_bytes<S>(mut stream: S, limit: Duration) -> Result<&'static str, ProbeFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closed = || ProbeFailure::route_failed(FailureReason::Closed, "the connection was closed at once");
    let read = async {
        stream.write_all(PREFACE).await.map_err(|_| closed())?;
        stream.flush().await.map_err(|_| closed())?;
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(0) | Err(_) => Err(closed()),
            Ok(_) => Ok("answers"),
        }
    };
    match tokio::time::timeout(limit, read).await {
        Ok(result) => result,
        Err(_) => Err(ProbeFailure::route_failed(
            FailureReason::Silent,
            format!("the port-forward carried no data within {}", words::span(limit)),
        )),
    }
}

/// The port of the pod behind an address: that of the Service's target if there is a Service, otherwise the same.
fn port_of(facts: &Facts, pod: &Pod, location: &str) -> Option<u16> {
    let (host, port) = location.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let host = host.split('.').next().unwrap_or_default();
    let service = facts.services.items().iter().find(|service| stack::name(&service.metadata) == host);
    let ports = service.and_then(|service| service.spec.as_ref()?.ports.as_ref());
    match ports.and_then(|ports| ports.iter().find(|entry| entry.port == i32::from(port))) {
        Some(entry) => stack::container_port(pod, entry),
        None => Some(port),
    }
}

/// The first port of an adapter's containers.
fn first_port(deployment: &Deployment) -> Option<u16> {
    let spec = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let port = spec.containers.iter().flat_map(|container| container.ports.iter().flatten()).next()?;
    u16::try_from(port.container_port).ok()
}
