//! A port-forward through the API server to one pod, with its real cause of failure.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::Portforwarder};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::{
    facts::{FailureKind, FailureReason, ProbeFailure},
    stack::base::{bounded, limits, permission::Permission, words},
};

/// One forwarded port.
pub(crate) struct Forwarded {
    /// The bytes to and from the pod.
    pub stream: ForwardedStream,
    /// Resolves with the kubelet's message if the port cannot be used.
    pub error: tokio::task::JoinHandle<Option<String>>,
}

/// The bytes to and from one port of a pod.
///
/// All ports share one connection to the API server. If the reader of one port went away while the pod still sends to
/// it, the client library would end the connection for every port. The rest is therefore read and discarded on drop,
/// until the port or the port-forward is closed.
pub(crate) struct ForwardedStream(Option<Box<dyn Bytes>>);

/// Bytes in both directions.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bytes for S {}

impl ForwardedStream {
    fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self(Some(Box::new(stream)))
    }

    fn stream(&mut self) -> Pin<&mut dyn Bytes> {
        Pin::new(self.0.as_mut().expect("it is taken only on drop"))
    }
}

impl Drop for ForwardedStream {
    fn drop(&mut self) {
        let (Some(mut stream), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            // The port is closed first, so that the library discards what the pod still sends.
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        });
    }
}

impl AsyncRead for ForwardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for ForwardedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<std::io::Result<usize>> {
        self.stream().poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

/// An open port-forward. It is closed on drop.
pub(crate) struct Tunnel {
    forwarder: Portforwarder,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl Tunnel {
    /// Opens a port-forward to these ports of a pod.
    ///
    /// # Errors
    ///
    /// Why it failed. `missing` names the permissions, if they are the reason.
    pub(crate) async fn open(
        client: Client,
        namespace: &str,
        pod: &str,
        ports: &[u16],
        limit: Duration,
        permissions: &[Permission],
    ) -> Result<Self, ProbeFailure> {
        let pods: Api<Pod> = Api::namespaced(client, namespace);
        match tokio::time::timeout(limit, pods.portforward(pod, ports)).await {
            Ok(Ok(forwarder)) => Ok(Self { forwarder }),
            Ok(Err(error)) => Err(explain(&error, permissions)),
            Err(_) => Err(ProbeFailure::route_failed(
                FailureReason::Silent,
                format!("the port-forward timed out after {}", words::span(limit)),
            )),
        }
    }

    /// Takes a port, once.
    pub(crate) fn take(&mut self, port: u16) -> Option<Forwarded> {
        let stream = ForwardedStream::new(self.forwarder.take_stream(port)?);
        let error = tokio::spawn(self.forwarder.take_error(port)?);
        Some(Forwarded { stream, error })
    }
}

fn explain(error: &kube::Error, permissions: &[Permission]) -> ProbeFailure {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            // The server's message names one permission, or none if `create` is missing.
            let missing: Vec<Permission> = if status.message.contains("cannot get") {
                permissions.iter().filter(|permission| permission.verb == "get").cloned().collect()
            } else {
                permissions.iter().filter(|permission| permission.verb == "create").cloned().collect()
            };
            ProbeFailure {
                kind: FailureKind::Denied,
                reason: FailureReason::Denied,
                message: "no permission for a port-forward, which needs get and create on pods/portforward".into(),
                missing,
            }
        }
        kube::Error::Api(status) => ProbeFailure::route_failed(
            FailureReason::PortForward,
            format!("the API server returned {}: {}", status.code, one_line(&status.message)),
        ),
        other => ProbeFailure::route_failed(FailureReason::PortForward, super::ask::from_error(other).to_string()),
    }
}

/// Classifies the kubelet's message about a port. There is no typed form of it. No other code reads it.
pub(crate) fn port_error(message: &str) -> ProbeFailure {
    let refused = message.contains("connection refused");
    let text = one_line(message);
    if refused {
        ProbeFailure::broker(FailureReason::Refused, format!("nothing listens in the pod: {text}"))
    } else {
        ProbeFailure::route_failed(FailureReason::PortForward, format!("the port-forward failed: {text}"))
    }
}

/// The first line of another program's message, without control characters and cut to its limit.
fn one_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let plain: String = line.chars().filter(|c| !c.is_control()).take(limits::KUBELET_TEXT).collect();
    bounded::cut(plain, limits::KUBELET_TEXT)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn dropped_stream_closes_the_port_and_discards_the_rest() {
        let (ours, theirs) = duplex(16);
        drop(ForwardedStream::new(ours));
        let (mut from_us, mut to_us) = tokio::io::split(theirs);
        // More than the buffer holds: it arrives although nobody uses the stream any more.
        to_us.write_all(&[b'x'; 4096]).await.expect("the rest is read");
        assert_eq!(from_us.read(&mut [0; 16]).await.expect("the end"), 0, "the port is closed");
    }

    #[test]
    fn only_connection_refused_proves_something_about_the_broker() {
        let refused = port_error("failed to connect to 127.0.0.1:4222: connection refused");
        assert_eq!((refused.kind, refused.reason), (FailureKind::Broker, FailureReason::Refused));
        let other = port_error("no\u{1b}]0;forward\u{9b}\nsecond line");
        assert_eq!(other.kind, FailureKind::RouteFailed);
        assert_eq!(other.message, "the port-forward failed: no]0;forward");
        assert!(port_error(&"x".repeat(1 << 20)).message.len() < 400);
    }
}
