//! One request to the API server, and what its answer proves.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::{Client, client::Body};
use tokio::time::Instant;

pub(super) use super::{
    answer::{ApiError, parse, seen},
    transport_error::{from_error, speaks_no_http},
};
use super::{
    answer::{judge, not_an_api},
    change::Change,
};
use crate::{
    failure::{Failure, Kind},
    words,
};

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
    pub(super) async fn get_over(&self, client: Client, path: &str) -> Result<String, ApiError> {
        self.send(client, "GET", path, None, JSON).await
    }

    /// The body of a GET in one of these forms.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_as(&self, path: &str, accept: &str) -> Result<String, ApiError> {
        self.send(self.client(), "GET", path, None, accept).await
    }

    /// The body of a GET.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] that says what stood in the way.
    pub(super) async fn get(&self, path: &str) -> Result<String, ApiError> {
        self.send(self.client(), "GET", path, None, JSON).await
    }

    /// The body of a GET that need not be JSON, as a log is not.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_text(&self, path: &str) -> Result<String, ApiError> {
        self.send(self.client(), "GET", path, None, ANYTHING).await
    }

    /// The body of a GET for a list of objects of which only the metadata are to come.
    ///
    /// # Errors
    ///
    /// As for [`Asker::get`].
    pub(super) async fn get_metadata(&self, path: &str) -> Result<String, ApiError> {
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
    ) -> Result<String, ApiError> {
        self.send(self.client(), "POST", path, Some(body.to_string()), JSON)
            .await
    }

    /// The answer to a change or to its dry run, whatever it is: a refusal is what is to be known.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] when no API server answered.
    pub(super) async fn change(
        &self,
        trial: &Change<'_>,
    ) -> Result<(StatusCode, String), ApiError> {
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
    ) -> Result<(StatusCode, String), ApiError> {
        self.change_with(trial, async |request, limit| {
            let client = self.client();
            let task = tokio::spawn(async move {
                let answer = answer(client, request, limit).await;
                drop(guard);
                answer
            });
            task.await
                .unwrap_or_else(|error| Err(ApiError::new(Kind::Connection, error.to_string())))
        })
        .await
    }

    async fn change_with(
        &self,
        trial: &Change<'_>,
        send: impl AsyncFnOnce(
            Request<Body>,
            Duration,
        ) -> Result<(http::response::Parts, Bytes), ApiError>,
    ) -> Result<(StatusCode, String), ApiError> {
        let started = Instant::now();
        let limit = self.remaining();
        self.count();
        let request = Request::builder()
            .method(trial.method)
            .uri(&trial.path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, trial.content)
            .body(Body::from(trial.body.to_string().into_bytes()))
            .map_err(|error| ApiError::new(Kind::Connection, error.to_string()))?;
        let answer = send(request, limit).await.and_then(|(head, bytes)| {
            String::from_utf8(bytes.into())
                .map(|text| (head, text))
                .map_err(|_| not_an_api("it answered with bytes that are no text"))
        });
        let (outcome, result) = match answer {
            Ok((head, text)) => (
                format!("{}, {} bytes", head.status.as_u16(), text.len()),
                // What is not served is told without JSON.
                match judge(head.status, &head.headers, text.clone()) {
                    Err(failure)
                        if matches!(failure.kind(), Kind::NotAnApiServer | Kind::Unauthorized) =>
                    {
                        Err(failure)
                    }
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
    ) -> Result<String, ApiError> {
        let started = Instant::now();
        let limit = self.remaining();
        self.count();
        let answer = tokio::time::timeout(limit, exchange(client, method, path, body, accept))
            .await
            .unwrap_or_else(|_| Err(silent(limit)));
        self.tell(method, path, &answer, started);
        answer
    }

    /// Tells `-v` how a request went.
    fn tell(&self, method: &str, path: &str, answer: &Result<String, ApiError>, started: Instant) {
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
) -> Result<String, ApiError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, JSON)
        .body(Body::from(body.unwrap_or_default().into_bytes()))
        .map_err(|error| ApiError::new(Kind::Connection, error.to_string()))?;
    let (head, bytes) = read(client, request).await?;
    if accept == ANYTHING && head.status == StatusCode::OK {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let text = String::from_utf8(bytes.into())
        .map_err(|_| not_an_api("it answered with bytes that are no text"))?;
    judge(head.status, &head.headers, text)
}

/// Nothing came in time.
fn silent(limit: Duration) -> ApiError {
    Failure::new(
        Kind::TimedOut,
        format!("no answer within {}", words::span(limit)),
    )
    .into()
}

/// The whole answer to a request, if it comes in time.
async fn answer(
    client: Client,
    request: Request<Body>,
    limit: Duration,
) -> Result<(http::response::Parts, Bytes), ApiError> {
    tokio::time::timeout(limit, read(client, request))
        .await
        .unwrap_or_else(|_| Err(silent(limit)))
}

/// Sends a request and reads the whole answer.
async fn read(
    client: Client,
    request: Request<Body>,
) -> Result<(http::response::Parts, Bytes), ApiError> {
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
