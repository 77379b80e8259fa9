//! The HTTP monitor of a NATS server: `/varz` and every page of `/connz`.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use k8s_openapi::jiff::SignedDuration;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
};

use super::{ask::speaks_no_http, handshake::CLIENT_NAME};
use crate::{
    facts::{ClosedConnection, Connection, Varz},
    seen::Seen,
};

/// How many connections one page is asked for; the server's own default.
const PAGE: usize = 1024;

/// How young a connection without a name may be for a probe's.
const PROBE_AGE: SignedDuration = SignedDuration::from_secs(2);

/// The longest that the connections that ended are waited for.
const CLOSED_PATIENCE: Duration = Duration::from_secs(1);

/// What a monitor answered.
pub(super) struct Answer {
    /// The server itself.
    pub varz: Varz,
    /// Its client connections.
    pub connections: Seen<Vec<Connection>>,
    /// Whether every page was read.
    pub complete: bool,
    /// Connections of the wanted name that have ended.
    pub closed: Seen<Vec<ClosedConnection>>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    total: usize,
    #[serde(default)]
    connections: Vec<Connection>,
}

/// Asks over an open stream.
///
/// HTTP/1.1 with a body of known length: a forwarded stream has no end of file to wait for. `named` is told the
/// server's id before its connections are listed, so that the handshake need not wait for them. `client` is the name of
/// whose ended connections are asked for.
///
/// # Errors
///
/// A sentence when what answers is no NATS monitor.
pub(super) async fn ask<S>(
    stream: S,
    client: &str,
    named: oneshot::Sender<String>,
) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("the monitor does not speak HTTP: {error}"))?;
    let task = tokio::spawn(connection);
    let answer = converse(&mut sender, client, named).await;
    task.abort();
    answer
}

async fn converse(
    sender: &mut http1::SendRequest<Empty<Bytes>>,
    client: &str,
    named: oneshot::Sender<String>,
) -> Result<Answer, String> {
    let varz: Varz = parse("/varz", &get(sender, "/varz").await?)?;
    if varz.server_id.is_empty() {
        return Err("what answers on the monitor's port is no NATS server".into());
    }
    // Nobody listens where no token may be shown.
    let _ = named.send(varz.server_id.clone());
    let mut connections: Vec<Connection> = Vec::new();
    let mut complete = true;
    loop {
        let path = format!("/connz?subs=1&limit={PAGE}&offset={}", connections.len());
        let page = match get(sender, &path)
            .await
            .and_then(|body| parse::<Page>("/connz", &body))
        {
            Ok(page) => page,
            Err(why) if connections.is_empty() => {
                return Ok(Answer {
                    varz,
                    connections: Seen::failed(why),
                    complete: false,
                    closed: Seen::NotLooked,
                });
            }
            // What the first pages proved stays proven.
            Err(_) => {
                complete = false;
                break;
            }
        };
        let last = page.connections.is_empty();
        connections.extend(page.connections);
        if last || connections.len() >= page.total {
            break;
        }
    }
    connections.retain(|connection| !is_probe(connection, &varz));
    // What is proven by now is not given up for this.
    let closed = match tokio::time::timeout(CLOSED_PATIENCE, closed(sender, client)).await {
        Ok(Ok(closed)) => Seen::Known(closed),
        Ok(Err(why)) => Seen::failed(why),
        Err(_) => Seen::failed("the monitor does not say which connections ended"),
    };
    Ok(Answer {
        varz,
        connections: Seen::Known(connections),
        complete,
        closed,
    })
}

/// The connections of a name that have ended, of those that ended last.
async fn closed(
    sender: &mut http1::SendRequest<Empty<Bytes>>,
    client: &str,
) -> Result<Vec<ClosedConnection>, String> {
    #[derive(Deserialize)]
    struct Closed {
        #[serde(default)]
        connections: Vec<ClosedConnection>,
    }
    let path = format!("/connz?state=closed&sort=stop&limit={PAGE}");
    let mut page: Closed = parse("/connz", &get(sender, &path).await?)?;
    page.connections
        .retain(|connection| connection.name == client);
    Ok(page.connections)
}

/// Whether a connection is a probe like ours: it bears our name, or has only just come and said nothing yet.
fn is_probe(connection: &Connection, varz: &Varz) -> bool {
    let just_come = match (connection.start, varz.now) {
        (Some(start), Some(now)) => now.duration_since(start) < PROBE_AGE,
        _ => false,
    };
    connection.name == CLIENT_NAME
        || (just_come && connection.name.is_empty() && connection.subscriptions.is_empty())
}

fn parse<T: for<'de> Deserialize<'de>>(path: &str, body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|_| format!("the monitor's {path} is not what NATS answers"))
}

async fn get(sender: &mut http1::SendRequest<Empty<Bytes>>, path: &str) -> Result<Bytes, String> {
    let broken = |error: hyper::Error| {
        if speaks_no_http(&error) {
            "the monitor's port answers, and not with HTTP".to_owned()
        } else {
            "the monitor closed the connection without an answer".to_owned()
        }
    };
    let request = Request::get(path)
        .header(header::HOST, "broker")
        .body(Empty::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(format!(
            "the monitor answered {} to {path}",
            response.status().as_u16()
        ));
    }
    let body = response.into_body().collect().await.map_err(broken)?;
    Ok(body.to_bytes())
}
