//! The HTTP monitor of a NATS server: `/varz` and every page of `/connz`.

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    facts::{Connection, Varz},
    seen::Seen,
};

/// How many connections one page is asked for; the server's own default.
const PAGE: usize = 1024;

/// What a monitor answered.
pub struct Answer {
    /// The server itself.
    pub varz: Varz,
    /// Its client connections.
    pub connections: Seen<Vec<Connection>>,
    /// Whether every page was read.
    pub complete: bool,
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
/// HTTP/1.1 with a body of known length: a forwarded stream has no end of file to wait for.
///
/// # Errors
///
/// A sentence when what answers is no NATS monitor.
pub async fn ask<S>(stream: S) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("the monitor does not speak HTTP: {error}"))?;
    let task = tokio::spawn(connection);
    let answer = converse(&mut sender).await;
    task.abort();
    answer
}

async fn converse(sender: &mut http1::SendRequest<Empty<Bytes>>) -> Result<Answer, String> {
    let varz: Varz = parse("/varz", &get(sender, "/varz").await?)?;
    if varz.server_id.is_empty() {
        return Err("what answers on the monitor's port is no NATS server".into());
    }
    let mut connections: Vec<Connection> = Vec::new();
    let mut complete = true;
    loop {
        let path = format!("/connz?subs=1&limit={PAGE}&offset={}", connections.len());
        let page = match get(sender, &path).await.and_then(|body| parse::<Page>("/connz", &body)) {
            Ok(page) => page,
            Err(why) if connections.is_empty() => {
                return Ok(Answer {
                    varz,
                    connections: Seen::Unreachable(why),
                    complete: false,
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
    Ok(Answer {
        varz,
        connections: Seen::Known(connections),
        complete,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &str, body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("the monitor's {path} is not what NATS answers: {error}"))
}

async fn get(sender: &mut http1::SendRequest<Empty<Bytes>>, path: &str) -> Result<Bytes, String> {
    let broken = |error: hyper::Error| {
        if error.is_parse() {
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
        return Err(format!("the monitor answered {} to {path}", response.status().as_u16()));
    }
    let body = response.into_body().collect().await.map_err(broken)?;
    Ok(body.to_bytes())
}
