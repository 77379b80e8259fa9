//! How a probe of a broker failed: what it proves, what happened, and the sentence for people.

use serde::{Deserialize, Serialize};

use crate::stack::base::{
    failure::{Failure, Kind},
    permission::Permission,
};

/// How a way to the broker failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ProbeFailure {
    /// What it proves. A recording that does not say proves nothing of the broker.
    #[serde(default)]
    pub kind: FailureKind,
    /// What happened.
    #[serde(default)]
    pub reason: FailureReason,
    /// The same, in one sentence.
    pub message: String,
    /// The rights without which it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Permission>,
}

impl ProbeFailure {
    /// The broker itself is at fault.
    pub fn broker(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Broker, reason, message: message.into(), missing: Vec::new() }
    }

    /// The way to the broker failed, which proves nothing of the broker.
    pub fn no_way(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::NoWay, ..Self::broker(reason, message) }
    }

    /// Something else answered than a server of this broker.
    pub fn stranger(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Stranger, ..Self::broker(FailureReason::OtherServer, message) }
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

/// What a failure on the way to the broker proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// We were not allowed.
    Denied,
    /// The way was barred before the broker was reached: proves nothing about the broker.
    #[default]
    NoWay,
    /// We got to the pod, and the broker there does not answer as a NATS server does.
    Broker,
    /// Something answered that is no server of this broker.
    Stranger,
}

/// What happened, for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// Nothing listens on the port.
    Refused,
    /// The connection was closed or reset before the answer was complete.
    Closed,
    /// No answer came in time.
    Silent,
    /// What answers does not speak NATS.
    NotNats,
    /// What answers does not speak HTTP.
    NotHttp,
    /// It answers with another HTTP status than 200.
    HttpStatus,
    /// The answer is not what a NATS monitor sends.
    NotMonitor,
    /// The answer is larger than what is read.
    TooLarge,
    /// The server speaks NATS, and answered with an error.
    ServerError,
    /// Another server answered than the one that was meant.
    OtherServer,
    /// No NATS server runs in the pod.
    NoServer,
    /// We lack a permission.
    Denied,
    /// The API server or the kubelet could not forward the port.
    PortForward,
    /// There is no connection to the address from here.
    Unreachable,
    /// Something of our own machine failed.
    Local,
    /// A recording does not say.
    #[default]
    #[serde(other)]
    Unspecified,
}

/// What came of the handshake on the client port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Handshake {
    /// The server let us in.
    Accepted {
        /// Whether a token was sent.
        token: bool,
    },
    /// The server refused the token.
    Refused {
        /// What it said.
        message: String,
    },
    /// It did not come about.
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
    /// The server asks for a token that could not be read.
    NoToken,
    /// The monitor failed, so nobody vouches for the server that greets.
    Unnamed,
    /// The monitor names another server than the one that greets.
    OtherServer,
    /// It is another's broker.
    NotOurs,
    /// No broker pod's monitor named the server at this address.
    NotVouched,
    /// A recording does not say.
    #[default]
    #[serde(other)]
    Unspecified,
}

impl NotTried {
    fn sentence(self) -> &'static str {
        match self {
            Self::TlsRequired => "the server requires TLS, which this probe does not speak",
            Self::NoToken => "the server asks for a token, and there is none that could be read",
            Self::Unnamed => "the monitor did not name this server, so it is shown no token",
            Self::OtherServer => "the client port and the monitor lead to two different servers",
            Self::NotOurs => "it is no broker of this stack, so it is shown no token",
            Self::NotVouched => "no broker pod's monitor named this server, so it is shown no token",
            Self::Unspecified => "it was not tried",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_without_reasons_are_read() -> Result<(), serde_json::Error> {
        let attempt: ProbeFailure = serde_json::from_str(r#"{"kind": "broker", "message": "no NATS server runs"}"#)?;
        assert_eq!(attempt.reason, FailureReason::Unspecified);
        let failed: Handshake = serde_json::from_str(r#"{"outcome": "failed", "message": "gone"}"#)?;
        assert_eq!(failed, Handshake::Failed(ProbeFailure::no_way(FailureReason::Unspecified, "gone")));
        let later: Handshake =
            serde_json::from_str(r#"{"outcome": "notTried", "reason": "of-a-later-version", "why": "so"}"#)?;
        assert!(matches!(later, Handshake::NotTried { reason: NotTried::Unspecified, .. }));
        Ok(())
    }

    #[test]
    fn failures_survive_a_recording() -> Result<(), serde_json::Error> {
        let failed = Handshake::Failed(ProbeFailure::broker(FailureReason::Refused, "gone"));
        let text = serde_json::to_string(&failed)?;
        assert_eq!(text, r#"{"outcome":"failed","kind":"broker","reason":"refused","message":"gone"}"#);
        assert_eq!(serde_json::from_str::<Handshake>(&text)?, failed);
        Ok(())
    }
}
