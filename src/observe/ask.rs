//! One request to the API server, and what its answer proves.

use std::{
    cell::{Cell, RefCell},
    error::Error as StdError,
    io,
    time::Duration,
};

use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::{Client, client::Body};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::change::Change;
use crate::{
    redact,
    seen::{Denial, Right, Seen},
    words,
};

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// 403.
    Denied,
    /// 404.
    NotFound,
    /// 401.
    Unauthorized,
    /// An answer that no API server gives: HTML, a redirect, another protocol.
    NotAnApi(String),
    /// The API server's own error, with its message.
    Server(String),
    /// The connection could not be made or kept.
    Connection(String),
    /// The server's certificate is not trusted.
    Untrusted(String),
    /// Nothing came in time.
    Silent(Duration),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied => f.write_str("forbidden"),
            Self::NotFound => f.write_str("not found"),
            Self::Unauthorized => f.write_str("the API server rejected our credentials (401)"),
            Self::NotAnApi(why)
            | Self::Server(why)
            | Self::Connection(why)
            | Self::Untrusted(why) => f.write_str(why),
            Self::Silent(limit) => write!(f, "no answer within {}", words::span(*limit)),
        }
    }
}

/// What an answer says of the thing that was asked for.
pub(super) fn seen<T>(answer: Result<T, Failure>, right: &Right) -> Seen<T> {
    match answer {
        Ok(value) => Seen::Known(value),
        Err(Failure::NotFound) => Seen::Absent,
        Err(Failure::Denied) => Seen::Denied(Denial {
            missing: vec![right.clone()],
        }),
        Err(other) => Seen::Unreachable(other.to_string()),
    }
}

/// An answer's JSON as a type.
pub(super) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    serde_json::from_str(body)
        .map_err(|error| Failure::Server(format!("the API server's answer is malformed: {error}")))
}

/// The form in which objects come.
const JSON: &str = "application/json";

/// Whatever there is, as of a log.
const ANYTHING: &str = "*/*";

/// A line for `-v`: one request and how it went.
pub type Log<'a> = dyn Fn(&str) + 'a;

/// Sends requests under one deadline, and counts them.
pub(super) struct Asker<'a> {
    client: RefCell<Client>,
    /// The longest that one request may take.
    limit: Duration,
    /// When the whole run must be over.
    deadline: Instant,
    log: Option<&'a Log<'a>>,
    sent: Cell<usize>,
}

impl<'a> Asker<'a> {
    /// Over this client; no request takes longer than `limit`, none lasts beyond `deadline`.
    pub(super) fn new(
        client: Client,
        limit: Duration,
        deadline: Instant,
        log: Option<&'a Log<'a>>,
    ) -> Self {
        Self {
            client: RefCell::new(client),
            limit,
            deadline,
            log,
            sent: Cell::new(0),
        }
    }

    /// Goes on over another client.
    pub(super) fn switch(&self, client: Client) {
        *self.client.borrow_mut() = client;
    }

    /// How many requests were sent.
    pub(super) fn sent(&self) -> usize {
        self.sent.get()
    }

    /// How long a single step may still take.
    pub(super) fn remaining(&self) -> Duration {
        self.limit
            .min(self.deadline.saturating_duration_since(Instant::now()))
    }

    /// How long the whole run may still take.
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Tells `-v` about a step that is no request.
    pub(super) fn note(&self, line: &str) {
        if let Some(log) = self.log {
            log(line);
        }
    }

    /// Counts a request that somebody else sends.
    pub(super) fn count(&self) {
        self.sent.set(self.sent.get() + 1);
    }

    /// The body of a GET over another client.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_over(&self, client: Client, path: &str) -> Result<String, Failure> {
        self.send(client, "GET", path, None, JSON).await
    }

    /// The body of a GET in one of these forms.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_as(&self, path: &str, accept: &str) -> Result<String, Failure> {
        self.send(self.client(), "GET", path, None, accept).await
    }

    /// The body of a GET.
    ///
    /// # Errors
    ///
    /// The [`Failure`] that says what stood in the way.
    pub(super) async fn get(&self, path: &str) -> Result<String, Failure> {
        self.send(self.client(), "GET", path, None, JSON).await
    }

    /// The body of a GET that need not be JSON, as a log is not.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_text(&self, path: &str) -> Result<String, Failure> {
        self.send(self.client(), "GET", path, None, ANYTHING).await
    }

    /// The body of a GET for a list of objects of which only the metadata are to come.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_metadata(&self, path: &str) -> Result<String, Failure> {
        const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        self.get_as(path, METADATA).await
    }

    /// The body of a POST.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<String, Failure> {
        self.send(self.client(), "POST", path, Some(body.to_string()), JSON)
            .await
    }

    /// The answer to a change or to its dry run, whatever it is: a refusal is what is to be known.
    ///
    /// # Errors
    ///
    /// The [`Failure`] when no API server answered.
    pub(super) async fn change(&self, trial: &Change<'_>) -> Result<(StatusCode, String), Failure> {
        self.change_with(trial, async |request, limit| {
            answer(self.client(), request, limit).await
        })
        .await
    }

    /// [`Asker::change`] which goes on to its end even when nobody waits for it any more; then it lets go of `guard`.
    ///
    /// # Errors
    ///
    /// As for [`Asker::change`].
    pub(super) async fn change_to_the_end(
        &self,
        trial: &Change<'_>,
        guard: impl Send + 'static,
    ) -> Result<(StatusCode, String), Failure> {
        self.change_with(trial, async |request, limit| {
            let client = self.client();
            let task = tokio::spawn(async move {
                let answer = answer(client, request, limit).await;
                drop(guard);
                answer
            });
            task.await
                .unwrap_or_else(|error| Err(Failure::Connection(error.to_string())))
        })
        .await
    }

    async fn change_with(
        &self,
        trial: &Change<'_>,
        send: impl AsyncFnOnce(
            Request<Body>,
            Duration,
        ) -> Result<(http::response::Parts, Bytes), Failure>,
    ) -> Result<(StatusCode, String), Failure> {
        let started = Instant::now();
        let limit = self.remaining();
        self.count();
        let request = Request::builder()
            .method(trial.method)
            .uri(&trial.path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, trial.content)
            .body(Body::from(trial.body.to_string().into_bytes()))
            .map_err(|error| Failure::Connection(error.to_string()))?;
        let answer = send(request, limit).await.and_then(|(head, bytes)| {
            String::from_utf8(bytes.into())
                .map(|text| (head, text))
                .map_err(|_| Failure::NotAnApi("it answered with bytes that are no text".into()))
        });
        let (outcome, result) = match answer {
            Ok((head, text)) => (
                format!("{}, {} bytes", head.status.as_u16(), text.len()),
                // What is not served is told without JSON.
                match judge(head.status, &head.headers, text.clone()) {
                    Err(failure @ (Failure::NotAnApi(_) | Failure::Unauthorized)) => Err(failure),
                    _ => Ok((head.status, text)),
                },
            ),
            Err(failure) => (failure.to_string(), Err(failure)),
        };
        let took = started.elapsed().as_secs_f64() * 1000.0;
        self.note(&format!(
            "{} {}: {outcome} ({took:.1} ms)",
            trial.method, trial.path
        ));
        result
    }

    fn client(&self) -> Client {
        self.client.borrow().clone()
    }

    async fn send(
        &self,
        client: Client,
        method: &str,
        path: &str,
        body: Option<String>,
        accept: &str,
    ) -> Result<String, Failure> {
        let started = Instant::now();
        let limit = self.remaining();
        self.count();
        let answer = tokio::time::timeout(limit, exchange(client, method, path, body, accept))
            .await
            .unwrap_or(Err(Failure::Silent(limit)));
        self.tell(method, path, &answer, started);
        answer
    }

    /// Tells `-v` how a request went.
    fn tell(&self, method: &str, path: &str, answer: &Result<String, Failure>, started: Instant) {
        if self.log.is_some() {
            let outcome = match answer {
                Ok(body) => format!("{} bytes", body.len()),
                Err(failure) => failure.to_string(),
            };
            let took = started.elapsed().as_secs_f64() * 1000.0;
            self.note(&format!("{method} {path}: {outcome} ({took:.1} ms)"));
        }
    }
}

async fn exchange(
    client: Client,
    method: &str,
    path: &str,
    body: Option<String>,
    accept: &str,
) -> Result<String, Failure> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, JSON)
        .body(Body::from(body.unwrap_or_default().into_bytes()))
        .map_err(|error| Failure::Connection(error.to_string()))?;
    let (head, bytes) = read(client, request).await?;
    if accept == ANYTHING && head.status == StatusCode::OK {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let text = String::from_utf8(bytes.into())
        .map_err(|_| Failure::NotAnApi("it answered with bytes that are no text".into()))?;
    judge(head.status, &head.headers, text)
}

/// The whole answer to a request, if it comes in time.
async fn answer(
    client: Client,
    request: Request<Body>,
    limit: Duration,
) -> Result<(http::response::Parts, Bytes), Failure> {
    tokio::time::timeout(limit, read(client, request))
        .await
        .unwrap_or(Err(Failure::Silent(limit)))
}

/// Sends a request and reads the whole answer.
async fn read(
    client: Client,
    request: Request<Body>,
) -> Result<(http::response::Parts, Bytes), Failure> {
    let response = client
        .send(request)
        .await
        .map_err(|error| from_error(&error))?;
    let (head, body) = response.into_parts();
    let bytes = body
        .collect()
        .await
        .map_err(|error| from_error(&error))?
        .to_bytes();
    Ok((head, bytes))
}

/// What an answer's status and body say.
fn judge(status: StatusCode, headers: &http::HeaderMap, text: String) -> Result<String, Failure> {
    let json = text.trim_start().starts_with('{');
    match status {
        StatusCode::OK | StatusCode::CREATED if json => Ok(text),
        StatusCode::UNAUTHORIZED => Err(Failure::Unauthorized),
        StatusCode::FORBIDDEN if json => Err(Failure::Denied),
        StatusCode::NOT_FOUND if json || text.starts_with("404 page not found") => {
            Err(Failure::NotFound)
        }
        status if status.is_redirection() => {
            let to = headers
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("somewhere");
            Err(Failure::NotAnApi(format!(
                "it answered with a redirect to {}",
                redact::urls(to)
            )))
        }
        status if json => Err(Failure::Server(message_of(&text, status))),
        // The words of Go's server, which an API server is.
        StatusCode::BAD_REQUEST if text.contains("HTTP request to an HTTPS server") => {
            Err(Failure::NotAnApi(
                "it speaks TLS and was spoken to without: the address must begin with https://"
                    .into(),
            ))
        }
        status => {
            let kind = headers
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("no content type");
            Err(Failure::NotAnApi(format!(
                "it answered {} with {kind}{}, where an API server answers with JSON",
                status.as_u16(),
                title(&text)
            )))
        }
    }
}

fn message_of(text: &str, status: StatusCode) -> String {
    #[derive(Deserialize)]
    struct Status {
        message: Option<String>,
    }
    let message = serde_json::from_str::<Status>(text)
        .ok()
        .and_then(|status| status.message);
    match message {
        Some(message) => format!(
            "the API server answered {}: {}",
            status.as_u16(),
            redact::urls(&message)
        ),
        None => format!("the API server answered {}", status.as_u16()),
    }
}

/// The title of an HTML page, which often names the proxy that sent it.
fn title(text: &str) -> String {
    let lower = text.to_lowercase();
    match (lower.find("<title>"), lower.find("</title>")) {
        (Some(from), Some(to)) if from + 7 < to && to <= text.len() => {
            format!(
                " titled \"{}\"",
                text.get(from + 7..to).unwrap_or_default().trim()
            )
        }
        _ => String::new(),
    }
}

/// Sorts an error of the transport by what it proves.
pub(super) fn from_error(error: &(dyn StdError + 'static)) -> Failure {
    let mut innermost = error.to_string();
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return from_tls(tls);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // An I/O error hides what it wraps from the chain of sources.
            if let Some(inner) = io.get_ref() {
                let inner: &(dyn StdError + 'static) = inner;
                return from_error(inner);
            }
            if let Some(plain) = plain_io(io) {
                return Failure::Connection(plain.into());
            }
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>()
            && speaks_no_http(hyper)
        {
            return Failure::NotAnApi("it does not speak HTTP".into());
        }
        let text = error.to_string();
        if text.contains("dns error") {
            let why = error
                .source()
                .map_or_else(|| text.clone(), ToString::to_string);
            return Failure::Connection(format!(
                "the host name cannot be resolved: {}",
                plain_dns(&why)
            ));
        }
        innermost = text;
        current = error.source();
    }
    Failure::Connection(innermost)
}

/// Whether the other side said something that is no HTTP, be it in answer to us or, as mail servers do, before we spoke.
///
/// The library has no question for the second case, only these words.
pub(super) fn speaks_no_http(error: &hyper::Error) -> bool {
    error.is_parse() || error.to_string().contains("unexpected message")
}

fn plain_dns(why: &str) -> &str {
    why.strip_prefix("failed to lookup address information: ")
        .unwrap_or(why)
}

fn plain_io(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some("the connection was refused: nothing listens there")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Some("the connection was reset")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("there is no route to it")
        }
        io::ErrorKind::TimedOut => Some("the connection attempt got no answer"),
        io::ErrorKind::UnexpectedEof => Some("it closed the connection in the middle"),
        _ => None,
    }
}

fn from_tls(error: &rustls::Error) -> Failure {
    use rustls::{CertificateError, Error};
    let why = match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet: compare the clocks".to_owned()
            }
            CertificateError::UnknownIssuer => {
                "the server's certificate comes from an issuer that the kubeconfig does not trust"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another host name".to_owned()
            }
            // An issuer of the right name and the wrong key: clusters made anew call theirs as before.
            CertificateError::BadSignature => {
                "the server's certificate was signed with another key than that of the issuer in the kubeconfig: was the cluster made anew?"
                    .to_owned()
            }
            other => format!("the server's certificate is not accepted: {other}"),
        },
        Error::InvalidMessage(_) => return Failure::NotAnApi("it does not speak TLS".into()),
        Error::AlertReceived(alert) => {
            return Failure::Connection(format!("the server ended the TLS handshake ({alert:?})"));
        }
        other => return Failure::Connection(format!("the TLS handshake failed: {other}")),
    };
    Failure::Untrusted(why)
}
