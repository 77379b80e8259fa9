//! One request to Meshery Server.

use std::time::Duration;

use hyper::body::Bytes;

use crate::stack::base::limits;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// What it is about, under which its time is recorded: `session`.
    pub(crate) topic: &'static str,
    /// The path with the query, which contains no secret.
    pub(crate) path: String,
    /// What is sent. Without it, the request is a GET.
    pub(crate) payload: Option<Payload>,
    /// The maximum size of the body.
    pub(crate) most: usize,
    /// The maximum time, including a connection if one has to be opened.
    pub(crate) limit: Duration,
    /// What the maximum time is at least, although other requests have less. Some changes take long.
    pub(crate) patience: Duration,
    /// Whether only the first event of an endless stream is read.
    pub(crate) first_event: bool,
}

impl Ask {
    /// A GET with the client's own time limit.
    pub(crate) fn get(topic: &'static str, path: impl Into<String>) -> Self {
        Self {
            topic,
            path: path.into(),
            payload: None,
            most: limits::SERVER_ANSWER,
            limit: Duration::MAX,
            patience: Duration::ZERO,
            first_event: false,
        }
    }

    /// A request that changes something.
    pub(crate) fn change(topic: &'static str, method: &'static str, path: impl Into<String>) -> Self {
        let payload = Payload { method, changes: true, content: String::new(), bytes: Bytes::new() };
        Self { payload: Some(payload), ..Self::get(topic, path) }
    }

    /// The same with this body.
    pub(crate) fn with_body(mut self, content: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        if let Some(payload) = &mut self.payload {
            payload.content = content.into();
            payload.bytes = bytes.into();
        }
        self
    }

    /// The same with a body in JSON.
    pub(crate) fn with_json(self, body: &serde_json::Value) -> Self {
        self.with_body("application/json", body.to_string())
    }

    /// A query in GraphQL, which changes nothing.
    pub(crate) fn graphql(topic: &'static str, path: impl Into<String>, query: &serde_json::Value) -> Self {
        let payload = Payload {
            method: "POST",
            changes: false,
            content: "application/json".into(),
            bytes: query.to_string().into(),
        };
        Self { payload: Some(payload), ..Self::get(topic, path) }
    }

    /// `GET`, or the method of what is sent.
    pub(super) fn method(&self) -> &'static str {
        self.payload.as_ref().map_or("GET", |payload| payload.method)
    }

    /// The same with another maximum size.
    pub(crate) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The same with at least this maximum time.
    pub(crate) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same with another maximum time.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

/// What a request sends.
#[derive(Clone)]
pub(crate) struct Payload {
    /// `POST`, `PUT`, `DELETE`.
    pub(crate) method: &'static str,
    /// Whether it changes something, so that it must not be sent twice.
    pub(crate) changes: bool,
    /// The content type. Empty without a body.
    pub(crate) content: String,
    /// The body, which may contain credentials.
    pub(crate) bytes: Bytes,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} bytes", self.method, self.bytes.len())
    }
}
