//! The connections over which a broker is probed, and what a failure on one of them proves.
//!
//! That a connection was made proves little: a port-forward is accepted by the API server, an address by a load balancer
//! or a mesh's proxy. Only bytes of the pod, or the kubelet's word that nothing listens there, prove something of it.

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
    report::Way,
    stack::base::{failure::Kind, words},
};

/// How long the kubelet's reason may come after the stream that it explains was closed.
const REASON_DELAY: Duration = Duration::from_millis(200);

/// Whether a byte came over a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<AtomicBool>);

impl Heard {
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was heard on both ports of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct BothHeard {
    pub(crate) monitor: Heard,
    pub(crate) client: Heard,
}

/// A connection that notes whether a byte came over it.
pub(crate) struct Watched<S> {
    stream: S,
    heard: Heard,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, heard: &Heard) -> Self {
        Self { stream, heard: heard.clone() }
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
            self.heard.0.store(true, Ordering::Relaxed);
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

/// What a failure on one port of a server proves, given what was heard on this port and on the other.
///
/// Silence is the broker's own if the way there carried anything. A connection that closes is the broker's if the way
/// carried something of the other port: a way that breaks in the middle of an answer closes it as well.
pub(crate) fn settled(failure: ProbeFailure, way: Way, own: bool, other: bool) -> ProbeFailure {
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
    let message = match (way, failure.reason) {
        (Way::PortForward, FailureReason::Silent) => {
            "the port-forward was opened and carried no data: either the broker hangs, or the API server or the kubelet does not pass its data on"
        }
        (Way::PortForward, _) if own => "the port-forward was closed in the middle of an answer",
        (Way::PortForward, _) => "the port-forward was opened and closed again before it carried any data",
        _ => &failure.message,
    };
    ProbeFailure::no_way(failure.reason, message)
}

/// Connects to an address.
pub(crate) async fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, ProbeFailure> {
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
            Err(ProbeFailure::no_way(reason, format!("{host}:{port}: {failure}")))
        }
        Err(_) => Err(ProbeFailure::no_way(
            FailureReason::Unreachable,
            format!("{host}:{port} gave no answer within {}", words::span(limit)),
        )),
    }
}

/// Works for so long at the most.
pub(crate) async fn timed<T>(
    work: impl Future<Output = Result<T, ProbeFailure>>,
    limit: Duration,
    what: &str,
) -> Result<T, ProbeFailure> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(ProbeFailure::broker(
            FailureReason::Silent,
            format!("{what} accepts connections and says nothing for {}", words::span(limit)),
        )),
    }
}

/// Works on a forwarded port while listening for the kubelet's word that it cannot be used.
pub(crate) async fn guarded<T>(
    work: impl Future<Output = Result<T, ProbeFailure>>,
    mut error: JoinHandle<Option<String>>,
    heard: &Heard,
) -> Result<T, ProbeFailure> {
    tokio::pin!(work);
    match select(work, &mut error).await {
        Either::Left((Err(failure), error)) if !heard.any() => match tokio::time::timeout(REASON_DELAY, error).await {
            Ok(Ok(Some(reason))) => Err(tunnel::port_error(&reason)),
            _ => Err(failure),
        },
        Either::Left((result, _)) => result,
        // What has come by now is not given up for it.
        Either::Right((Ok(Some(reason)), _)) if !heard.any() => Err(tunnel::port_error(&reason)),
        Either::Right((_, work)) => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_brokers_only_where_the_way_carried_something() {
        use FailureReason::{Closed, NotHttp, Refused, Silent};
        let kind = |reason, own, other| {
            let failure = ProbeFailure::broker(reason, "so");
            settled(failure, Way::PortForward, own, other).kind
        };
        assert_eq!(kind(Silent, false, false), FailureKind::NoWay);
        assert_eq!(kind(Silent, true, false), FailureKind::Broker);
        assert_eq!(kind(Silent, false, true), FailureKind::Broker);
        assert_eq!(kind(Closed, false, false), FailureKind::NoWay);
        assert_eq!(kind(Closed, true, false), FailureKind::NoWay);
        assert_eq!(kind(Closed, false, true), FailureKind::Broker);
        assert_eq!(kind(Refused, false, false), FailureKind::Broker);
        assert_eq!(kind(NotHttp, true, false), FailureKind::Broker);
    }
}
