//! The handshake on a broker's client port, with the token shown only to a server that is known.
//!
//! The client library dials addresses only, so the stream that we hold is joined to a local socket. The server speaks
//! first, and what it says is read here before the library is let in: a stranger never sees the token.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    facts::{Greeting, Handshake},
    token::Token,
    words,
};

/// The name under which we connect, so that a probe never fakes a state.
pub(super) const CLIENT_NAME: &str = "meshdoctor";

/// The longest greeting that is read; a real one has some hundred bytes.
const LONGEST_GREETING: u64 = 64 * 1024;

/// A connection to a server that let us in.
pub(super) struct Line {
    /// Which server it is.
    pub(super) server_id: String,
    /// The connection.
    pub(super) client: Client,
    /// How many messages were lost since we did not read fast enough.
    pub(super) lost: Arc<AtomicU64>,
    _bridge: Bridge,
}

/// What joins the library's connection to the stream that we hold.
struct Bridge(JoinHandle<()>);

impl Drop for Bridge {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A stream whose greeting was read.
pub(super) struct Greeted<S> {
    stream: BufReader<S>,
    line: String,
    info: Greeting,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Greeted<S> {
    /// Reads the greeting.
    ///
    /// # Errors
    ///
    /// A sentence when what speaks is no NATS server.
    pub(super) async fn read(stream: S) -> Result<Self, String> {
        use tokio::io::AsyncReadExt;
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        (&mut stream)
            .take(LONGEST_GREETING)
            .read_until(b'\n', &mut line)
            .await
            .map_err(|error| {
                format!(
                    "the connection broke before the server's greeting: {}",
                    words::io(&error)
                )
            })?;
        if line.is_empty() {
            return Err("the server closed the connection without a greeting".into());
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let info = line
            .strip_prefix("INFO ")
            .and_then(|json| serde_json::from_str(json.trim()).ok())
            .ok_or("what answers on the client port does not greet as a NATS server does")?;
        Ok(Self { stream, line, info })
    }

    /// What the server says of itself.
    pub(super) fn greeting(&self) -> &Greeting {
        &self.info
    }

    /// Who the server says it is; new at each start.
    pub(super) fn server_id(&self) -> &str {
        &self.info.server_id
    }

    /// Shakes hands. The caller has made sure that this server may see the token. The connection that comes of it ends
    /// when it is dropped.
    pub(super) async fn shake(
        self,
        token: Option<&Token>,
        limit: Duration,
    ) -> (Handshake, Option<Line>) {
        let not_tried = |why: &str| (Handshake::NotTried { why: why.into() }, None);
        if self.info.tls_required {
            return not_tried("the server requires TLS, which this probe does not speak");
        }
        if self.info.auth_required && token.is_none() {
            return not_tried("the server asks for a token, and there is none that could be read");
        }
        let token = token.filter(|_| self.info.auth_required);
        let sent = token.is_some();
        match self.connect(token, limit).await {
            Ok(line) => (Handshake::Accepted { token: sent }, Some(line)),
            Err(failure) => (failure, None),
        }
    }

    async fn connect(self, token: Option<&Token>, limit: Duration) -> Result<Line, Handshake> {
        let failed = |message: String| Handshake::Failed { message };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| failed(format!("no local socket for the handshake: {error}")))?;
        let port = listener
            .local_addr()
            .map_err(|error| failed(format!("no local socket for the handshake: {error}")))?
            .port();
        let server_id = self.info.server_id.clone();
        let bridge = Bridge(tokio::spawn(self.bridge(listener)));
        let lost = Arc::new(AtomicU64::new(0));
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
            .max_reconnects(1)
            .ignore_discovered_servers();
        if let Some(token) = token {
            options = options.token(token.expose().to_owned());
        }
        let connected =
            tokio::time::timeout(limit, options.connect(format!("nats://127.0.0.1:{port}"))).await;
        match connected {
            Ok(Ok(client)) => match tokio::time::timeout(limit, client.flush()).await {
                Ok(Ok(())) => Ok(Line {
                    server_id,
                    client,
                    lost,
                    _bridge: bridge,
                }),
                Ok(Err(error)) => Err(failed(format!(
                    "the server accepted us and then broke: {error}"
                ))),
                Err(_) => Err(failed(format!(
                    "the server accepted us and then said nothing for {}",
                    words::span(limit)
                ))),
            },
            Ok(Err(error)) => Err(match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    Handshake::Refused {
                        message: "Authorization Violation".into(),
                    }
                }
                _ => failed(format!("the handshake failed: {error}")),
            }),
            Err(_) => Err(failed(format!(
                "the server greets and then says nothing for {}",
                words::span(limit)
            ))),
        }
    }

    /// Joins the stream to the first local connection, the greeting first.
    async fn bridge(mut self, listener: TcpListener) {
        let Ok((mut local, _)) = listener.accept().await else {
            return;
        };
        let _ = local.set_nodelay(true);
        if local.write_all(self.line.as_bytes()).await.is_ok() {
            let _ = copy_bidirectional(&mut local, &mut self.stream).await;
        }
    }
}
