//! The handshake on a broker's client port. The token is sent only to a server whose identity is confirmed.
//!
//! The client library can only connect to addresses, so our stream is connected to a local socket. The server speaks
//! first. Its greeting is read here before the library is connected, so that an unknown server never receives the
//! token.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerError};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use super::framing;
use crate::{
    facts::{FailureReason, Greeting, Handshake, NotTried, ProbeFailure, token::Token},
    stack::base::{limits, words},
};

/// Our client name, which is distinct so that a probe never changes a state.
pub(crate) const CLIENT_NAME: &str = "meshdoctor";

/// A connection to a server that accepted us.
pub(crate) struct Line {
    /// The server's identity.
    pub(crate) server_id: String,
    /// The connection.
    pub(crate) client: Client,
    /// The number of messages dropped because we did not read fast enough or they were too large.
    pub(crate) lost: Arc<AtomicU64>,
    _bridge: Bridge,
}

/// Connects the library's socket to our stream.
struct Bridge(JoinHandle<()>);

impl Drop for Bridge {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A stream whose greeting has been read.
pub(crate) struct Greeted<S> {
    stream: BufReader<S>,
    line: String,
    info: Greeting,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Greeted<S> {
    /// Reads the greeting.
    ///
    /// # Errors
    ///
    /// If the peer is not a NATS server or sends nothing.
    pub(crate) async fn read(stream: S) -> Result<Self, ProbeFailure> {
        use tokio::io::AsyncReadExt;
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        (&mut stream).take(limits::NATS_LINE as u64).read_until(b'\n', &mut line).await.map_err(|error| {
            ProbeFailure::broker(
                FailureReason::Closed,
                format!("the connection failed before the server's greeting: {}", words::io(&error)),
            )
        })?;
        if line.is_empty() {
            return Err(ProbeFailure::broker(
                FailureReason::Closed,
                "the server closed the connection without a greeting",
            ));
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let info =
            line.strip_prefix("INFO ").and_then(|json| serde_json::from_str(json.trim()).ok()).ok_or_else(|| {
                ProbeFailure::broker(
                    FailureReason::NotNats,
                    "the server on the client port does not send a NATS greeting",
                )
            })?;
        Ok(Self { stream, line, info })
    }

    /// The server's greeting.
    pub(crate) fn greeting(&self) -> &Greeting {
        &self.info
    }

    /// The connection. The server has sent nothing after its greeting.
    pub(crate) fn into_stream(self) -> S {
        self.stream.into_inner()
    }

    /// The server's ID, which is new after each start.
    pub(crate) fn server_id(&self) -> &str {
        &self.info.server_id
    }

    /// Performs the handshake. The caller has made sure that this server may receive the token. The connection ends
    /// when the result is dropped.
    pub(crate) async fn shake(self, token: Option<&Token>, limit: Duration) -> (Handshake, Option<Line>) {
        if self.info.tls_required {
            return (Handshake::not_tried(NotTried::TlsRequired), None);
        }
        if self.info.auth_required && token.is_none() {
            return (Handshake::not_tried(NotTried::NoToken), None);
        }
        let token = token.filter(|_| self.info.auth_required);
        let sent = token.is_some();
        match self.connect(token, limit).await {
            Ok(line) => (Handshake::Accepted { token: sent }, Some(line)),
            Err(failure) => (failure, None),
        }
    }

    async fn connect(self, token: Option<&Token>, limit: Duration) -> Result<Line, Handshake> {
        let failed = |reason, message: String| Handshake::Failed(ProbeFailure::broker(reason, message));
        let no_socket = |error: std::io::Error| {
            Handshake::Failed(ProbeFailure::route_failed(
                FailureReason::Local,
                format!("no local socket for the handshake: {}", words::io(&error)),
            ))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_socket)?;
        let port = listener.local_addr().map_err(no_socket)?.port();
        let server_id = self.info.server_id.clone();
        let lost = Arc::new(AtomicU64::new(0));
        let bridge = Bridge(tokio::spawn(self.bridge(listener, Arc::clone(&lost))));
        let losses = Arc::clone(&lost);
        let mut options = ConnectOptions::new()
            .event_callback(move |event| {
                if matches!(event, Event::SlowConsumer(_)) {
                    losses.fetch_add(1, Ordering::Relaxed);
                }
                std::future::ready(())
            })
            .name(CLIENT_NAME)
            .connection_timeout(limit)
            .subscription_capacity(limits::MESSAGES)
            .max_reconnects(1)
            .ignore_discovered_servers();
        if let Some(token) = token {
            options = options.token(token.expose().to_owned());
        }
        let connected = tokio::time::timeout(limit, options.connect(format!("nats://127.0.0.1:{port}"))).await;
        match connected {
            Ok(Ok(client)) => match tokio::time::timeout(limit, client.flush()).await {
                Ok(Ok(())) => Ok(Line { server_id, client, lost, _bridge: bridge }),
                Ok(Err(error)) => Err(failed(
                    FailureReason::Closed,
                    format!(
                        "the server accepted the connection and then failed: \
                                                              {error}"
                    ),
                )),
                Err(_) => Err(failed(
                    FailureReason::Silent,
                    format!("the server accepted the connection and then sent nothing for {}", words::span(limit)),
                )),
            },
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(failed(
                FailureReason::Silent,
                format!("the server sent its greeting and then nothing for {}", words::span(limit)),
            )),
        }
    }

    /// Connects the stream to the first local connection, beginning with the greeting.
    async fn bridge(self, listener: TcpListener, lost: Arc<AtomicU64>) {
        let Ok((local, _)) = listener.accept().await else {
            return;
        };
        let _ = local.set_nodelay(true);
        let (mut from_library, mut to_library) = local.into_split();
        if to_library.write_all(self.line.as_bytes()).await.is_err() {
            return;
        }
        let (from_server, mut to_server) = tokio::io::split(self.stream);
        let up = tokio::io::copy(&mut from_library, &mut to_server);
        let down = framing::copy(from_server, &mut to_library, &lost);
        // If one side ends, the connection ends.
        tokio::select! {
            _ = up => {}
            _ = down => {}
        }
    }
}

/// Why the library could not connect.
fn refusal(error: &ConnectError) -> Handshake {
    let said = std::error::Error::source(error).and_then(|source| source.downcast_ref::<ServerError>()).is_some();
    let reason = match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            return Handshake::Refused { message: "Authorization Violation".into() };
        }
        _ if said => FailureReason::ServerError,
        ConnectErrorKind::TimedOut => FailureReason::Silent,
        ConnectErrorKind::ServerParse => FailureReason::NotNats,
        _ => FailureReason::Closed,
    };
    Handshake::Failed(ProbeFailure::broker(reason, format!("the handshake failed: {error}")))
}
