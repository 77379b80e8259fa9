//! The route to Meshery Server, step by step, so that a test can time each.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use kube::client::ConfigExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

use crate::{
    cluster::{
        ask::{self, ApiClient},
        server_access::Origin,
        tunnel::{ForwardedStream, Tunnel},
    },
    facts::{FailureReason, ProbeFailure, server::ReachStep, server::Unreachable},
    observe::{
        broker::wire::{Received, Watched},
        queries,
    },
    stack::base::{
        failure::{Failure, Kind},
        words,
    },
};

/// How Meshery Server is reached.
#[derive(Clone)]
pub(crate) enum Destination {
    /// Its address.
    Direct(Origin),
    /// A port of one of its pods.
    Pod(ServerPod),
}

/// A port of one of the server's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerPod {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) port: u16,
}

impl Destination {
    /// As it is shown: the origin, or the pod with its port.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Direct(origin) => origin.to_string(),
            Self::Pod(pod) => format!("pod/{}:{}", pod.pod, pod.port),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The step that failed.
    pub(crate) step: ReachStep,
    /// Why.
    pub(crate) failure: Failure,
    /// The permissions whose absence is the reason.
    pub(crate) missing: Vec<crate::stack::base::permission::Permission>,
}

impl Failed {
    pub(crate) fn at(step: ReachStep, kind: Kind, message: impl Into<String>) -> Self {
        Self { step, failure: Failure::new(kind, message), missing: Vec::new() }
    }

    /// As a fact.
    pub(crate) fn unreachable(&self) -> Unreachable {
        Unreachable { step: self.step, message: self.failure.message.clone(), missing: self.missing.clone() }
    }
}

/// Bytes in both directions.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bytes for S {}

/// An open stream to the server.
pub(crate) struct ServerStream {
    /// The bytes.
    pub(super) bytes: Box<dyn Bytes>,
    /// What keeps a port-forward open and says why it failed.
    pub(super) forward: Option<Forward>,
}

/// An open port-forward.
pub(crate) struct Forward {
    /// Resolves with the kubelet's message if the port cannot be used.
    pub(super) error: Option<JoinHandle<Option<String>>>,
    /// Whether the pod sent anything.
    pub(super) received: Received,
    _tunnel: Tunnel,
}

/// Runs one step within this time.
async fn within<T>(
    step: ReachStep,
    limit: Duration,
    work: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    if limit.is_zero() {
        return Err(Failed::at(step, Kind::TimedOut, "there was no time left for it"));
    }
    let what = match step {
        ReachStep::Resolve => "no answer from the name server",
        ReachStep::Connect => "the connection was not accepted",
        ReachStep::Tls => "the TLS handshake was not completed",
        _ => "no response",
    };
    let late = || Failed::at(step, Kind::TimedOut, format!("{what} within {}", words::span(limit)));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

/// The addresses of an origin.
///
/// # Errors
///
/// Why its host name cannot be resolved.
pub(crate) async fn resolve(origin: &Origin, limit: Duration) -> Result<Vec<SocketAddr>, Failed> {
    let lookup = async {
        let found = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await;
        let found = found.map_err(|error| Failed::at(ReachStep::Resolve, Kind::Dns, words::io(&error)))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(Failed::at(ReachStep::Resolve, Kind::Dns, "the host name has no address"));
        }
        Ok(found)
    };
    within(ReachStep::Resolve, limit, lookup).await
}

/// Opens a TCP connection to the first address that accepts one.
///
/// # Errors
///
/// Why none does.
pub(crate) async fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, Failed> {
    let open = async {
        let stream = TcpStream::connect(addresses).await;
        let stream = stream.map_err(|error| of_stream(ReachStep::Connect, &error))?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    };
    within(ReachStep::Connect, limit, open).await
}

/// Performs the TLS handshake. The certificate must be trusted by this machine.
///
/// # Errors
///
/// Why it failed.
pub(crate) async fn encrypt(stream: TcpStream, origin: &Origin, limit: Duration) -> Result<ServerStream, Failed> {
    let shake = async {
        let local = |why: String| Failed::at(ReachStep::Tls, Kind::TlsHandshake, why);
        // The client library's own choice of trusted certificates: those of this machine.
        let url = origin.to_string().parse().map_err(|error: http::uri::InvalidUri| local(error.to_string()))?;
        let mut tls = kube::Config::new(url)
            .rustls_client_config()
            .map_err(|error| local(ask::from_error(&error).to_string()))?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name =
            rustls::pki_types::ServerName::try_from(origin.host.clone()).map_err(|error| local(error.to_string()))?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        let stream = stream.map_err(|error| of_stream(ReachStep::Tls, &error))?;
        Ok(ServerStream { bytes: Box::new(stream), forward: None })
    };
    within(ReachStep::Tls, limit, shake).await
}

/// The stream of a connection without TLS.
pub(crate) fn plain(stream: TcpStream) -> ServerStream {
    ServerStream { bytes: Box::new(stream), forward: None }
}

/// Opens a port-forward to a pod of the server.
///
/// # Errors
///
/// Why it failed. `missing` names the permissions, if they are the reason.
pub(crate) async fn forward(
    api: &ApiClient<'_>,
    client: kube::Client,
    pod: &ServerPod,
    limit: Duration,
) -> Result<ServerStream, Failed> {
    let failed = |failure: ProbeFailure| Failed {
        step: ReachStep::PortForward,
        missing: failure.missing.clone(),
        failure: failure.into(),
    };
    let permissions = queries::port_forward(&pod.namespace);
    api.count();
    let tunnel = Tunnel::open(client, &pod.namespace, &pod.pod, &[pod.port], limit, &permissions).await;
    let mut tunnel = tunnel.map_err(failed)?;
    let Some(port) = tunnel.take(pod.port) else {
        let why = "the port-forward lacks the port";
        return Err(failed(ProbeFailure::route_failed(FailureReason::PortForward, why)));
    };
    let received = Received::default();
    let watched: Watched<ForwardedStream> = Watched::new(port.stream, &received);
    let forward = Forward { error: Some(port.error), received, _tunnel: tunnel };
    Ok(ServerStream { bytes: Box::new(watched), forward: Some(forward) })
}

/// Classifies a failure of a stream, in words about this machine instead of a kubeconfig.
pub(super) fn of_stream(step: ReachStep, error: &(dyn std::error::Error + 'static)) -> Failed {
    let mut failure = ask::from_error(error);
    failure.message = failure
        .message
        .replace("has an issuer that the kubeconfig does not trust", "has an issuer that this machine does not trust")
        .replace("that of the issuer in the kubeconfig: was the cluster recreated?", "that of the trusted issuer");
    Failed { step, failure, missing: Vec::new() }
}
