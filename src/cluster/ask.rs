//! One request to the API server, and the meaning of its answer.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use http::{Request, StatusCode, header};
use k8s_openapi::jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use kube::{Client, client::Body};
use tokio::{sync::OnceCell, time::Instant};

pub(crate) use super::{
    answer::{ApiError, List, ListedObject, parse, seen},
    retry::RetryPolicy,
    transport_error::{from_error, speaks_no_http},
};
use super::{
    answer::{denied_user, judge, not_an_api},
    body::{self, Budget, Reservation},
    change::Change,
    retry::Hint,
};
use crate::stack::base::{
    failure::{Failure, Kind},
    words,
};

/// The requested content type.
pub(crate) const JSON: &str = "application/json";

/// Anything, for example for a log.
pub(crate) const ANYTHING: &str = "*/*";

/// A line for `-v`: one request and its result.
pub(crate) type Log<'a> = dyn Fn(&str) + 'a;

/// The difference up to which two clocks are considered equal. A `Date` header has whole seconds and takes time to
/// arrive.
const AGREEING: SignedDuration = SignedDuration::from_secs(5);

/// Sends requests within one deadline, and counts them.
pub(crate) struct ApiClient<'a> {
    client: RefCell<Client>,
    /// The timeout of one request.
    limit: Duration,
    /// The deadline of the whole run.
    deadline: Instant,
    log: Option<&'a Log<'a>>,
    sent: Cell<usize>,
    budget: Budget,
    /// The memory of answers that are kept until all have arrived.
    held: RefCell<Reservation>,
    /// How far the API server's clock is ahead of ours.
    skew: Cell<Option<SignedDuration>>,
    /// The name by which the API server denied us something.
    denied_user: RefCell<Option<String>>,
    /// The groups that are served, once they were queried.
    groups: OnceCell<Vec<String>>,
}

impl<'a> ApiClient<'a> {
    /// The user name of whom the API server denied something. A kubeconfig's user may have another name there.
    pub(crate) fn denied_user(&self) -> Option<String> {
        self.denied_user.borrow().clone()
    }

    /// A client with a timeout per request and a deadline for the run.
    pub(crate) fn new(client: Client, limit: Duration, deadline: Instant, log: Option<&'a Log<'a>>) -> Self {
        let budget = Budget::default();
        Self {
            held: RefCell::new(budget.reservation()),
            budget,
            skew: Cell::new(None),
            denied_user: RefCell::new(None),
            groups: OnceCell::new(),
            client: RefCell::new(client),
            limit,
            deadline,
            log,
            sent: Cell::new(0),
        }
    }

    /// A client of its own over the same connections, with the same limits.
    pub(crate) fn beside(&self) -> Self {
        let beside = Self::new(self.client(), self.limit, self.deadline, self.log);
        Self { groups: self.groups.clone(), ..beside }
    }

    /// What is queried once for all users of this client.
    pub(crate) fn groups(&self) -> &OnceCell<Vec<String>> {
        &self.groups
    }

    /// Switches to another client.
    pub(crate) fn switch(&self, client: Client) {
        *self.client.borrow_mut() = client;
    }

    /// The number of requests sent.
    pub(crate) fn sent(&self) -> usize {
        self.sent.get()
    }

    /// The remaining time for a single step.
    pub(crate) fn remaining(&self) -> Duration {
        self.limit.min(self.deadline.saturating_duration_since(Instant::now()))
    }

    /// The remaining time of the whole run.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Reports a step that is not a request to `-v`.
    pub(crate) fn note(&self, line: &str) {
        if let Some(log) = self.log {
            log(line);
        }
    }

    /// Keeps an answer of this size in memory until [`ApiClient::release`].
    ///
    /// # Errors
    ///
    /// `TooLarge` if it would exceed the limit.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), ApiError> {
        self.held.borrow_mut().take(bytes)
    }

    /// Reserves memory for an answer that is kept.
    pub(crate) fn reservation(&self) -> Reservation {
        self.budget.reservation()
    }

    /// Releases the memory of the kept answers, which have been decoded.
    pub(crate) fn release(&self) {
        *self.held.borrow_mut() = self.budget.reservation();
    }

    /// The time by the API server's clock, which all timestamps in the cluster use, or by our own if both agree.
    pub(crate) fn now(&self) -> Timestamp {
        let now = super::now();
        match self.skew.get() {
            Some(skew) if skew.abs() > AGREEING => now.checked_add(skew).unwrap_or(now),
            _ => now,
        }
    }

    /// Counts a request that other code sends.
    pub(crate) fn count(&self) {
        self.sent.set(self.sent.get() + 1);
    }

    /// The body of a GET over another client.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::get`].
    pub(crate) async fn get_over(&self, client: Client, path: &str) -> Result<String, ApiError> {
        self.send(client, "GET", path, None, JSON, RetryPolicy::Failed).await
    }

    /// The body of a GET with one of these content types, with the given retries.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::get`].
    pub(crate) async fn get_as(&self, path: &str, accept: &str, repeat: RetryPolicy) -> Result<String, ApiError> {
        self.send(self.client(), "GET", path, None, accept, repeat).await
    }

    /// The body of a GET.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] with the reason.
    pub(crate) async fn get(&self, path: &str) -> Result<String, ApiError> {
        self.get_as(path, JSON, RetryPolicy::Failed).await
    }

    /// The body of a GET for a list, with only the metadata of its objects.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::get`].
    pub(crate) async fn get_metadata(&self, path: &str) -> Result<String, ApiError> {
        const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        self.get_as(path, METADATA, RetryPolicy::Failed).await
    }

    /// The metadata of one object, without its content.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::get`].
    pub(crate) async fn get_object_metadata(&self, path: &str) -> Result<String, ApiError> {
        const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        self.get_as(path, METADATA, RetryPolicy::Failed).await
    }

    /// The body of a POST that changes nothing, such as an access review.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::get`].
    pub(crate) async fn post(&self, path: &str, body: &serde_json::Value) -> Result<String, ApiError> {
        self.send(self.client(), "POST", path, Some(body.to_string()), JSON, RetryPolicy::Failed).await
    }

    /// The answer to a change or its dry run, whatever the status, because a rejection is a result, too.
    ///
    /// A change is sent once. A dry run is retried if the API server limits requests.
    ///
    /// # Errors
    ///
    /// The [`ApiError`] if no API server answered.
    pub(crate) async fn change(&self, change: &Change<'_>) -> Result<(StatusCode, String), ApiError> {
        let repeat = if change.is_dry_run() { RetryPolicy::Throttled } else { RetryPolicy::Never };
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            let (result, hint) = self
                .change_with(change, repeat, async |request, limit| {
                    let mut reservation = self.budget.reservation();
                    in_time(limit, read(self.client(), request, |more| reservation.take(more))).await
                })
                .await;
            match hint.and_then(|hint| self.pause(hint, tries, begun)) {
                Some(pause) => self.wait(change.method, &change.path, hint, pause).await,
                None => return result,
            }
            tries += 1;
        }
    }

    /// Like [`ApiClient::change`], but the request completes even if the caller stops waiting. `guard` is dropped
    /// afterwards.
    ///
    /// # Errors
    ///
    /// See [`ApiClient::change`].
    pub(crate) async fn change_to_the_end(
        &self,
        change: &Change<'_>,
        guard: impl Send + 'static,
    ) -> Result<(StatusCode, String), ApiError> {
        let (result, _) = self
            .change_with(change, RetryPolicy::Never, async |request, limit| {
                let client = self.client();
                let task = tokio::spawn(async move {
                    let answer = in_time(limit, read(client, request, |_| Ok(()))).await;
                    drop(guard);
                    answer
                });
                task.await.unwrap_or_else(|error| Err(ApiError::new(Kind::Connection, error.to_string())))
            })
            .await;
        result
    }

    async fn change_with(
        &self,
        change: &Change<'_>,
        repeat: RetryPolicy,
        send: impl AsyncFnOnce(Request<Body>, Duration) -> Result<Answer, ApiError>,
    ) -> (Result<(StatusCode, String), ApiError>, Option<Hint>) {
        let started = Instant::now();
        let limit = self.remaining();
        self.count();
        let request = Request::builder()
            .method(change.method)
            .uri(&change.path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, change.content)
            .body(Body::from(change.body.to_string().into_bytes()))
            .map_err(|error| ApiError::new(Kind::Connection, error.to_string()));
        let answer = match request {
            Ok(request) => send(request, limit).await,
            Err(error) => Err(error),
        };
        let answer = answer.and_then(|(head, bytes)| {
            String::from_utf8(bytes).map(|text| (head, text)).map_err(|_| not_an_api("its response is not text"))
        });
        let mut hint = None;
        let (outcome, result) = match answer {
            Ok((head, text)) => {
                let outcome = format!("{}, {} bytes", head.status.as_u16(), text.len());
                let judged = judge(head.status, &head.headers, text.clone());
                if let Err(failure) = &judged {
                    hint = Hint::of(head.status, &head.headers, failure.kind(), repeat);
                }
                let result = match judged {
                    Err(failure) if matches!(failure.kind(), Kind::NotAnApiServer | Kind::Unauthorized) => Err(failure),
                    // A 404 for an unknown path has no JSON body.
                    _ => Ok((head.status, text)),
                };
                (outcome, result)
            }
            Err(failure) => (failure.to_string(), Err(failure)),
        };
        let took = started.elapsed().as_secs_f64() * 1000.0;
        self.note(&format!("{} {}: {outcome} ({took:.1} ms)", change.method, change.path));
        (result, hint)
    }

    fn client(&self) -> Client {
        self.client.borrow().clone()
    }

    /// Sends a request that changes nothing, and retries it where that may help.
    async fn send(
        &self,
        client: Client,
        method: &str,
        path: &str,
        body: Option<String>,
        accept: &str,
        repeat: RetryPolicy,
    ) -> Result<String, ApiError> {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            let started = Instant::now();
            let limit = self.remaining();
            self.count();
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::ACCEPT, accept)
                .header(header::CONTENT_TYPE, JSON)
                .body(Body::from(body.clone().unwrap_or_default().into_bytes()))
                .map_err(|error| ApiError::new(Kind::Connection, error.to_string()))?;
            let exchange = self.exchange(client.clone(), request, accept, repeat);
            let (answer, hint) = within(limit, exchange).await.unwrap_or_else(|late| (Err(late), None));
            self.log_request(method, path, &answer, started);
            match hint.and_then(|hint| self.pause(hint, tries, begun)) {
                Some(pause) => self.wait(method, path, hint, pause).await,
                None => return answer,
            }
            tries += 1;
        }
    }

    /// Sends a request once, and classifies its answer.
    async fn exchange(
        &self,
        client: Client,
        request: Request<Body>,
        accept: &str,
        repeat: RetryPolicy,
    ) -> (Result<String, ApiError>, Option<Hint>) {
        let mut reservation = self.budget.reservation();
        let (head, bytes) = match read(client, request, |more| reservation.take(more)).await {
            Ok(answer) => answer,
            Err(failure) => return (Err(failure), None),
        };
        self.record_clock(&head);
        if accept == ANYTHING && head.status == StatusCode::OK {
            return (Ok(String::from_utf8_lossy(&bytes).into_owned()), None);
        }
        let answer = String::from_utf8(bytes).map_err(|_| not_an_api("its response is not text")).and_then(|text| {
            body::check_elements(&text)?;
            if head.status == StatusCode::FORBIDDEN
                && let Some(user) = denied_user(&text)
            {
                *self.denied_user.borrow_mut() = Some(user);
            }
            judge(head.status, &head.headers, text)
        });
        let kind = answer.as_ref().err().map(ApiError::kind);
        let hint = kind.and_then(|kind| Hint::of(head.status, &head.headers, kind, repeat));
        (answer, hint)
    }

    /// The pause before a retry. `None` if a retry does not help or there is no time. All attempts of a request
    /// together take no longer than one request may.
    fn pause(&self, hint: Hint, tries: u32, begun: Instant) -> Option<Duration> {
        let left = self.limit.saturating_sub(begun.elapsed()).min(self.time_left());
        hint.pause(tries).filter(|pause| *pause < left)
    }

    /// Waits before a retry, and reports it to `-v`.
    async fn wait(&self, method: &str, path: &str, hint: Option<Hint>, pause: Duration) {
        let status = hint.map_or(0, Hint::status);
        self.note(&format!("{method} {path}: retrying in {} after {status}", words::span(pause)));
        tokio::time::sleep(pause).await;
    }

    /// Takes the API server's clock from its first answer.
    fn record_clock(&self, head: &http::response::Parts) {
        if self.skew.get().is_none()
            && let Some(date) = head.headers.get(header::DATE)
            && let Ok(date) = DateTimeParser::new().parse_timestamp(date.as_bytes())
        {
            self.skew.set(Some(date.duration_since(super::now())));
        }
    }

    /// Reports the result of a request to `-v`.
    fn log_request(&self, method: &str, path: &str, answer: &Result<String, ApiError>, started: Instant) {
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

/// An answer: its head and its complete body.
type Answer = (http::response::Parts, Vec<u8>);

/// No answer arrived in time.
fn silent(limit: Duration) -> ApiError {
    Failure::new(Kind::TimedOut, format!("no response within {}", words::span(limit))).into()
}

/// The answer to a request, if it arrives in time.
async fn in_time(limit: Duration, answer: impl Future<Output = Result<Answer, ApiError>>) -> Result<Answer, ApiError> {
    within(limit, answer).await.unwrap_or_else(Err)
}

/// The result of a request, if it ends in time. Without time, nothing is sent: a timer has a resolution of a millisecond and
/// is checked after the answer, so that a fast server, or a slow machine, would answer after the end.
async fn within<T>(limit: Duration, request: impl Future<Output = T>) -> Result<T, ApiError> {
    if limit.is_zero() {
        let why = "the time limit of the run (--timeout) was reached before this request";
        return Err(Failure::new(Kind::TimedOut, why).into());
    }
    tokio::time::timeout(limit, request).await.map_err(|_| silent(limit))
}

/// Sends a request and reads the complete answer.
async fn read(
    client: Client,
    request: Request<Body>,
    take: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Answer, ApiError> {
    let response = client.send(request).await.map_err(|error| from_error(&error))?;
    let (head, body) = response.into_parts();
    let bytes = body::read(&head, body, take).await?;
    Ok((head, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_sent_after_the_end_of_the_run() {
        // The response is there at once, as it may be on a machine that was busy meanwhile.
        let late = within(Duration::ZERO, async { unreachable!("the request was sent") }).await;
        assert!(matches!(late, Err::<(), _>(ApiError::Failed(failure)) if failure.kind == Kind::TimedOut));
        assert_eq!(within(Duration::from_secs(5), async { 1 }).await.ok(), Some(1));
    }
}
