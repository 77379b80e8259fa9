//! The connections for probing a broker, and what a failure on one of them proves.
//!
//! An accepted connection proves little: the API server accepts a port-forward, and a load balancer or a service mesh
//! proxy accepts an address. Only bytes from the pod, or the kubelet's message that nothing listens there, prove
//! something about it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{
    cluster::tunnel,
    facts::{FailureKind, FailureReason, ProbeFailure},
    report::Route,
    stack::base::{failure::Kind, words},
};

/// How long to wait for the kubelet's message after the stream was closed.
const REASON_DELAY: Duration = Duration::from_millis(200);

/// Whether a byte was received on a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received(Arc<AtomicBool>);

impl Received {
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was received on both ports of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct BothReceived {
    pub(crate) monitor: Received,
    pub(crate) client: Received,
}

/// A connection that records whether a byte was received on it.
pub(crate) struct Watched<S> {
    stream: S,
    received: Received,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, received: &Received) -> Self {
        Self { stream, received: received.clone() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.received.0.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What a failure on one port of a server proves, given what was received on this port and on the other.
///
/// Silence proves a fault of the broker if the route carried any data. A closed connection proves one only if the route
/// carried data of the other port, because a route that fails during an answer also closes it.
pub(crate) fn settled(failure: ProbeFailure, route: Route, own: bool, other: bool) -> ProbeFailure {
    if failure.kind != FailureKind::Broker {
        return failure;
    }
    let proven = match failure.reason {
        FailureReason::Silent => own || other,
        FailureReason::Closed => other,
        _ => true,
    };
    if proven {
        return failure;
    }
    let message = match (route, failure.reason) {
        (Route::PortForward, FailureReason::Silent) => {
            "the port-forward was opened but carried no data: either the broker hangs, or the API server or the kubelet \
            does not forward its data"
        }
        (Route::PortForward, _) if own => "the port-forward was closed in the middle of a response",
        (Route::PortForward, _) => "the port-forward was opened and closed again before it carried any data",
        _ => &failure.message,
    };
    ProbeFailure::route_failed(failure.reason, message)
}

/// Connects to an address.
pub(crate) async fn open_connection(host: &str, port: u16, limit: Duration) -> Result<TcpStream, ProbeFailure> {
    match tokio::time::timeout(limit, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => {
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(error)) => {
            let failure = crate::cluster::ask::from_error(&error);
            let reason = match failure.kind {
                Kind::ConnectionRefused => FailureReason::Refused,
                _ => FailureReason::Unreachable,
            };
            Err(ProbeFailure::route_failed(reason, format!("{host}:{port}: {failure}")))
        }
        Err(_) => Err(ProbeFailure::route_failed(
            FailureReason::Unreachable,
            format!("{host}:{port} timed out after {}", words::span(limit)),
        )),
    }
}

/// Runs an operation within this time.
pub(crate) async fn timed<T>(
    work: impl Future<Output = Result<T, ProbeFailure>>,
    limit: Duration,
    what: &str,
) -> Result<T, ProbeFailure> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(ProbeFailure::broker(
            FailureReason::Silent,
            format!("{what} accepts connections but sends nothing for {}", words::span(limit)),
        )),
    }
}

/// Runs an operation on a forwarded port while listening for the kubelet's message that it cannot be used.
pub(crate) async fn guarded<T>(
    work: impl Future<Output = Result<T, ProbeFailure>>,
    mut error: JoinHandle<Option<String>>,
    received: &Received,
) -> Result<T, ProbeFailure> {
    tokio::pin!(work);
    match select(work, &mut error).await {
        Either::Left((Err(failure), error)) if !received.any() => match tokio::time::timeout(REASON_DELAY, error).await
        {
            Ok(Ok(Some(reason))) => Err(tunnel::port_error(&reason)),
            _ => Err(failure),
        },
        Either::Left((result, _)) => result,
        // Data received until now is not discarded because of the message.
        Either::Right((Ok(Some(reason)), _)) if !received.any() => Err(tunnel::port_error(&reason)),
        Either::Right((_, work)) => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_broker_fault_only_if_the_route_carried_data() {
        use FailureReason::{Closed, NotHttp, Refused, Silent};
        let kind = |reason, own, other| {
            let failure = ProbeFailure::broker(reason, "so");
            settled(failure, Route::PortForward, own, other).kind
        };
        assert_eq!(kind(Silent, false, false), FailureKind::RouteFailed);
        assert_eq!(kind(Silent, true, false), FailureKind::Broker);
        assert_eq!(kind(Silent, false, true), FailureKind::Broker);
        assert_eq!(kind(Closed, false, false), FailureKind::RouteFailed);
        assert_eq!(kind(Closed, true, false), FailureKind::RouteFailed);
        assert_eq!(kind(Closed, false, true), FailureKind::Broker);
        assert_eq!(kind(Refused, false, false), FailureKind::Broker);
        assert_eq!(kind(NotHttp, true, false), FailureKind::Broker);
    }
}
