//! The HTTP monitor of a NATS server: `/varz` and every page of `/connz`.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use k8s_openapi::jiff::SignedDuration;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
    time::Instant,
};

use super::handshake::CLIENT_NAME;
use crate::{
    cluster::ask::speaks_no_http,
    facts::{BrokerServer, ClosedConnection, Connection, FailureReason, ProbeFailure, Varz},
    report::Route,
    stack::{
        base::{bounded::AtMost, limits, seen::Seen, words},
        profile::Profile,
    },
};

/// The number of connections requested per page, which is the server's own default.
const PAGE: usize = 1024;

/// The maximum number of connections read per page. A server that respects `limit` does not send more.
const MOST_OF_A_PAGE: usize = 2 * PAGE;

/// The maximum age of a nameless connection that is taken for a probe.
const PROBE_AGE: SignedDuration = SignedDuration::from_secs(2);

/// The timeout for the list of closed connections.
const CLOSED_TIMEOUT: Duration = Duration::from_secs(1);

/// The answers of a monitor.
pub(crate) struct Answer {
    /// The server.
    pub varz: Varz,
    /// Its client connections.
    pub connections: Seen<Vec<Connection>>,
    /// The number of further listed connections, with names that do not decide a state.
    pub more: u64,
    /// Whether all the connections that the server counts were listed.
    pub complete: bool,
    /// Whether reading an answer was stopped before its end.
    pub abandoned: bool,
    /// Closed connections with the requested name.
    pub closed: Seen<Vec<ClosedConnection>>,
}

impl Answer {
    /// The server that answered on this route.
    pub(crate) fn of_server(self, reached_by: Route) -> BrokerServer {
        BrokerServer {
            reached_by,
            varz: self.varz,
            connections: self.connections,
            more: self.more,
            complete: self.complete,
            closed: self.closed,
            ..BrokerServer::default()
        }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    total: usize,
    #[serde(default)]
    connections: AtMost<Connection, MOST_OF_A_PAGE>,
}

/// Queries the monitor over an open stream, within this time. Answers received by then are kept.
///
/// It uses HTTP/1.1 and bodies of known length, because a forwarded stream has no end of file. `named` receives the
/// server's ID before its connections are listed, so that the handshake can start early.
///
/// # Errors
///
/// If the peer is not a NATS monitor or sends nothing.
pub(crate) async fn ask<S>(
    stream: S,
    profile: &Profile,
    named: oneshot::Sender<String>,
    limit: Duration,
) -> Result<Answer, ProbeFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let task = tokio::spawn(connection);
    let mut monitor = Monitor { sender, deadline: Instant::now() + limit, limit };
    let answer = monitor.converse(profile, named).await;
    task.abort();
    answer
}

/// An HTTP connection to a monitor.
struct Monitor {
    sender: http1::SendRequest<Empty<Bytes>>,
    deadline: Instant,
    limit: Duration,
}

impl Monitor {
    async fn converse(&mut self, profile: &Profile, named: oneshot::Sender<String>) -> Result<Answer, ProbeFailure> {
        let varz: Varz =
            self.get("/varz", limits::VARZ_BYTES, self.deadline).await.and_then(|body| parse("/varz", &body))?;
        if varz.server_id.is_empty() {
            return Err(ProbeFailure::broker(
                FailureReason::NotMonitor,
                "the server on the monitor port is not a NATS server",
            ));
        }
        // There is no receiver if no token may be sent.
        let _ = named.send(varz.server_id.clone());
        let listing = self.list(profile, &varz).await;
        let closed = match &listing.failure {
            // After an aborted answer, the next one would be read from the wrong position.
            Some(failure) => Seen::failed(failure.clone()),
            // A failure here must not lose what is already proven.
            None => match self.closed(profile.meshsync.client).await {
                Ok(closed) => Seen::Known(closed),
                Err(failure) if failure.reason == FailureReason::Silent => {
                    Seen::failed("the monitor does not list closed connections")
                }
                Err(failure) => Seen::failed(failure),
            },
        };
        let abandoned = listing
            .failure
            .as_ref()
            .is_some_and(|failure| matches!(failure.reason, FailureReason::TooLarge | FailureReason::Silent));
        let Listing { kept, received, more, complete, failure, .. } = listing;
        Ok(Answer {
            varz,
            connections: match failure {
                Some(failure) if received == 0 => Seen::failed(failure),
                _ => Seen::Known(kept),
            },
            more,
            complete,
            abandoned,
            closed,
        })
    }

    /// Lists the connections page by page, until all that the server counts are there.
    async fn list(&mut self, profile: &Profile, varz: &Varz) -> Listing {
        let mut listing = Listing::default();
        for _ in 0..limits::CONNZ_PAGES {
            let path = format!("/connz?subs=1&limit={PAGE}&offset={}", listing.received);
            let page = self.get(&path, limits::CONNZ_BYTES, self.deadline).await;
            let page = match page.and_then(|body| parse::<Page>("/connz", &body)) {
                Ok(page) => page,
                // What the first pages proved remains proven.
                Err(failure) => {
                    listing.failure = Some(failure);
                    break;
                }
            };
            let count = page.connections.count;
            listing.take(page.connections, profile, varz);
            if listing.received >= page.total {
                listing.complete = !listing.overflow;
                break;
            }
            if count == 0 {
                break;
            }
        }
        listing
    }

    /// The closed connections with a name, among the most recently closed ones.
    async fn closed(&mut self, client: &str) -> Result<Vec<ClosedConnection>, ProbeFailure> {
        #[derive(Deserialize)]
        struct Closed {
            #[serde(default)]
            connections: AtMost<ClosedConnection, MOST_OF_A_PAGE>,
        }
        let path = format!("/connz?state=closed&sort=stop&limit={PAGE}");
        let deadline = self.deadline.min(Instant::now() + CLOSED_TIMEOUT);
        let body = self.get(&path, limits::CONNZ_BYTES, deadline).await?;
        let mut closed = parse::<Closed>("/connz", &body)?.connections.items;
        closed.retain(|connection| connection.name == client);
        closed.truncate(limits::CONNECTIONS);
        Ok(closed)
    }

    async fn get(&mut self, path: &str, most: usize, deadline: Instant) -> Result<Bytes, ProbeFailure> {
        match tokio::time::timeout_at(deadline, fetch(&mut self.sender, path, most)).await {
            Ok(answer) => answer,
            Err(_) => Err(ProbeFailure::broker(
                FailureReason::Silent,
                format!("the monitor accepts connections but sends nothing for {}", words::span(self.limit)),
            )),
        }
    }
}

/// The connections listed so far.
#[derive(Default)]
struct Listing {
    kept: Vec<Connection>,
    /// The number of kept connections with a name that decides a state.
    named: usize,
    received: usize,
    more: u64,
    /// Whether connections that decide a state exceeded the limit.
    overflow: bool,
    complete: bool,
    failure: Option<ProbeFailure>,
}

impl Listing {
    fn take(&mut self, page: AtMost<Connection, MOST_OF_A_PAGE>, profile: &Profile, varz: &Varz) {
        self.received += page.count;
        self.overflow |= page.count > page.items.len();
        self.more += (page.count - page.items.len()) as u64;
        for connection in page.items {
            if is_probe(&connection, varz) {
                continue;
            }
            let name = connection.name.as_str();
            let decides = name == profile.meshsync.client || profile.server.clients.contains(&name);
            let room = if decides {
                self.named < limits::CONNECTIONS
            } else {
                self.kept.len() - self.named < limits::CONNECTIONS
            };
            if room {
                self.named += usize::from(decides);
                self.kept.push(connection);
            } else {
                self.overflow |= decides;
                self.more += 1;
            }
        }
    }
}

/// Whether a connection is a probe like ours: it has our name, or is very new and has sent nothing yet.
fn is_probe(connection: &Connection, varz: &Varz) -> bool {
    let just_come = match (connection.start, varz.now) {
        (Some(start), Some(now)) => now.duration_since(start) < PROBE_AGE,
        _ => false,
    };
    connection.name == CLIENT_NAME || (just_come && connection.name.is_empty() && connection.subscriptions.is_empty())
}

fn parse<T: for<'de> Deserialize<'de>>(path: &str, body: &[u8]) -> Result<T, ProbeFailure> {
    serde_json::from_slice(body).map_err(|_| {
        ProbeFailure::broker(FailureReason::NotMonitor, format!("the monitor's {path} is not a valid NATS response"))
    })
}

fn broken(error: &hyper::Error) -> ProbeFailure {
    if speaks_no_http(error) {
        ProbeFailure::broker(FailureReason::NotHttp, "the monitor port does not speak HTTP")
    } else {
        ProbeFailure::broker(
            FailureReason::Closed,
            "the monitor closed the connection before its response was complete",
        )
    }
}

async fn fetch(sender: &mut http1::SendRequest<Empty<Bytes>>, path: &str, most: usize) -> Result<Bytes, ProbeFailure> {
    let request = Request::get(path)
        .header(header::HOST, "broker")
        .body(Empty::new())
        .map_err(|error| ProbeFailure::route_failed(FailureReason::Local, error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    // The rest of the query is chosen by us.
    let page = path.split('?').next().unwrap_or(path);
    if response.status() != StatusCode::OK {
        return Err(ProbeFailure::broker(
            FailureReason::HttpStatus,
            format!("the monitor returned {} for {page}", response.status().as_u16()),
        ));
    }
    match Limited::new(response.into_body(), most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ProbeFailure::broker(
            FailureReason::TooLarge,
            format!("the monitor's {page} is larger than {} MiB", most / limits::MIB),
        )),
        Err(error) => Err(match error.downcast::<hyper::Error>() {
            Ok(error) => broken(&error),
            Err(error) => ProbeFailure::broker(FailureReason::Closed, error.to_string()),
        }),
    }
}
