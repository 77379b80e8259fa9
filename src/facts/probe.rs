//! Why a probe of a broker server failed: what the failure proves, what happened, and the sentence for people.

use serde::{Deserialize, Serialize};

use crate::stack::base::{
    failure::{Failure, Kind},
    permission::Permission,
};

/// Why a route to the broker failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ProbeFailure {
    /// What it proves. If a recording does not say, it proves nothing about the broker.
    #[serde(default)]
    pub kind: FailureKind,
    /// What happened.
    #[serde(default)]
    pub reason: FailureReason,
    /// The same, as one sentence.
    pub message: String,
    /// The permissions that were missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Permission>,
}

impl ProbeFailure {
    /// The broker itself is at fault.
    pub fn broker(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Broker, reason, message: message.into(), missing: Vec::new() }
    }

    /// The route to the broker failed, which proves nothing about the broker.
    pub fn route_failed(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::RouteFailed, ..Self::broker(reason, message) }
    }

    /// Something other than a server of this broker answered.
    pub fn foreign_server(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::ForeignServer, ..Self::broker(FailureReason::OtherServer, message) }
    }
}

impl From<ProbeFailure> for Failure {
    fn from(failure: ProbeFailure) -> Self {
        let kind = match failure.reason {
            FailureReason::Refused => Kind::ConnectionRefused,
            FailureReason::Closed => Kind::ConnectionClosed,
            FailureReason::Silent => Kind::TimedOut,
            FailureReason::NotMonitor => Kind::Malformed,
            FailureReason::TooLarge => Kind::TooLarge,
            FailureReason::Denied => Kind::Forbidden,
            FailureReason::Unreachable => Kind::NoRoute,
            _ => Kind::Other,
        };
        Self::new(kind, failure.message)
    }
}

/// What a failure on the route to the broker proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A permission was missing.
    Denied,
    /// The route failed before it reached the broker, which proves nothing about the broker.
    #[default]
    #[serde(rename = "no-way")]
    RouteFailed,
    /// The pod was reached, but the broker there does not answer like a NATS server.
    Broker,
    /// Something answered that is not a server of this broker.
    #[serde(rename = "stranger")]
    ForeignServer,
}

/// What happened, for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// Nothing listens on the port.
    Refused,
    /// The connection was closed or reset before the answer was complete.
    Closed,
    /// The request timed out.
    Silent,
    /// The peer does not speak NATS.
    NotNats,
    /// The peer does not speak HTTP.
    NotHttp,
    /// It answered with an HTTP status other than 200.
    HttpStatus,
    /// The answer is not what a NATS monitor sends.
    NotMonitor,
    /// The answer is larger than the limit.
    TooLarge,
    /// The server speaks NATS and returned an error.
    ServerError,
    /// Another server answered than the expected one.
    OtherServer,
    /// No NATS server runs in the pod.
    NoServer,
    /// A permission was missing.
    Denied,
    /// The API server or the kubelet could not forward the port.
    PortForward,
    /// The address cannot be reached from here.
    Unreachable,
    /// A failure on our own machine.
    Local,
    /// A recording does not say.
    #[default]
    #[serde(other)]
    Unspecified,
}

/// The result of the handshake on the client port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Handshake {
    /// The server accepted the connection.
    Accepted {
        /// Whether a token was sent.
        token: bool,
    },
    /// The server refused the token.
    Refused {
        /// The server's message.
        message: String,
    },
    /// The handshake did not complete.
    Failed(ProbeFailure),
    /// It was not tried.
    NotTried {
        /// Why, for programs.
        #[serde(default)]
        reason: NotTried,
        /// Why, in one sentence.
        why: String,
    },
    /// A recording does not say.
    #[default]
    NotLooked,
}

impl Handshake {
    /// Not tried, for this reason.
    pub fn not_tried(reason: NotTried) -> Self {
        Self::NotTried { reason, why: reason.sentence().into() }
    }
}

/// Why a handshake was not tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTried {
    /// The server requires TLS.
    TlsRequired,
    /// The server requires a token, and it could not be read.
    NoToken,
    /// The monitor failed, so the server that greets is not verified.
    Unnamed,
    /// The monitor reports another server than the one that greets.
    OtherServer,
    /// It is the broker of another stack.
    NotOurs,
    /// No broker pod's monitor reported the server at this address.
    #[serde(rename = "not-vouched")]
    NotConfirmed,
    /// A recording does not say.
    #[default]
    #[serde(other)]
    Unspecified,
}

impl NotTried {
    fn sentence(self) -> &'static str {
        match self {
            Self::TlsRequired => "the server requires TLS, which this probe does not speak",
            Self::NoToken => "the server requires a token, and no token could be read",
            Self::Unnamed => "the monitor did not confirm this server, so no token is sent to it",
            Self::OtherServer => "the client port and the monitor belong to two different servers",
            Self::NotOurs => "it is not a broker of this stack, so no token is sent to it",
            Self::NotConfirmed => "no broker pod's monitor confirmed this server, so no token is sent to it",
            Self::Unspecified => "not tried",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_without_a_failure_kind_are_readable() -> Result<(), serde_json::Error> {
        let attempt: ProbeFailure = serde_json::from_str(r#"{"kind": "broker", "message": "no NATS server runs"}"#)?;
        assert_eq!(attempt.reason, FailureReason::Unspecified);
        let failed: Handshake = serde_json::from_str(r#"{"outcome": "failed", "message": "gone"}"#)?;
        assert_eq!(failed, Handshake::Failed(ProbeFailure::route_failed(FailureReason::Unspecified, "gone")));
        let later: Handshake =
            serde_json::from_str(r#"{"outcome": "notTried", "reason": "of-a-later-version", "why": "so"}"#)?;
        assert!(matches!(later, Handshake::NotTried { reason: NotTried::Unspecified, .. }));
        Ok(())
    }

    #[test]
    fn failures_round_trip_through_a_recording() -> Result<(), serde_json::Error> {
        let failed = Handshake::Failed(ProbeFailure::broker(FailureReason::Refused, "gone"));
        let text = serde_json::to_string(&failed)?;
        assert_eq!(text, r#"{"outcome":"failed","kind":"broker","reason":"refused","message":"gone"}"#);
        assert_eq!(serde_json::from_str::<Handshake>(&text)?, failed);
        Ok(())
    }
}
