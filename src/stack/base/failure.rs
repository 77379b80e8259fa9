//! `Failure`: why a request to the API server has no usable answer, as a type.
//!
//! It is classified once, where the answer is read. Rules match on the kind. The message is for people.

use serde::{Deserialize, Deserializer, Serialize};

/// Why there is no usable answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What went wrong.
    pub kind: Kind,
    /// The same as one sentence.
    pub message: String,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The host name cannot be resolved.
    Dns,
    /// Nothing listens at the address.
    ConnectionRefused,
    /// The peer reset the connection.
    ConnectionReset,
    /// The peer closed the connection before the answer was complete.
    ConnectionClosed,
    /// There is no route to the address.
    NoRoute,
    /// Any other failure to open or keep the connection.
    Connection,
    /// The proxy refused or broke the connection.
    Proxy,
    /// The server's certificate is not trusted.
    TlsUntrusted,
    /// The TLS handshake failed for another reason.
    TlsHandshake,
    /// The request timed out.
    TimedOut,
    /// The answer does not look like one from an API server.
    NotAnApiServer,
    /// 401: the credentials are not accepted.
    Unauthorized,
    /// 403: a permission is missing.
    Forbidden,
    /// 404.
    NotFound,
    /// 429: the API server limits requests.
    TooManyRequests,
    /// Any other error that the API server returns.
    ServerError,
    /// The webhook that converts custom resources does not answer.
    ConversionWebhook,
    /// The API server does not trust the certificate of the conversion webhook.
    ConversionWebhookUntrusted,
    /// An admission webhook denied the request or does not answer.
    AdmissionWebhook,
    /// The API server has not yet set up the storage of a CRD.
    CrdStorageInitializing,
    /// The answer cannot be decoded.
    Malformed,
    /// The answer exceeds a limit.
    TooLarge,
    /// The API server does not offer what was asked for.
    NotSupported,
    /// Anything else, including kinds that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl Kind {
    /// Whether custom resources cannot be read because the conversion between versions fails. The API server reports
    /// this in two ways. The second looks like throttling.
    pub fn is_conversion(self) -> bool {
        self.is_conversion_webhook() || self == Self::CrdStorageInitializing
    }

    /// Whether the conversion webhook itself failed.
    pub fn is_conversion_webhook(self) -> bool {
        matches!(self, Self::ConversionWebhook | Self::ConversionWebhookUntrusted)
    }

    /// Whether the API server made no decision: it did not answer, or was not able to.
    pub fn leaves_open(self) -> bool {
        self.is_transport()
            || matches!(
                self,
                Self::Unauthorized
                    | Self::TooManyRequests
                    | Self::ServerError
                    | Self::CrdStorageInitializing
                    | Self::Malformed
                    | Self::TooLarge
            )
    }

    /// Whether no API server answered, so that nothing can be concluded about the cluster.
    pub fn is_transport(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::ConnectionRefused
                | Self::ConnectionReset
                | Self::ConnectionClosed
                | Self::NoRoute
                | Self::Connection
                | Self::Proxy
                | Self::TlsUntrusted
                | Self::TlsHandshake
                | Self::TimedOut
                | Self::NotAnApiServer
        )
    }

    /// Classifies an error message of the API server where the status code is not enough.
    ///
    /// Kubernetes has no reason or code for these errors. They arrive as plain 500 or 429, and only the message tells
    /// them apart. Nothing else reads that message.
    pub fn of_message(message: &str) -> Option<Self> {
        if message.contains("conversion webhook") {
            let untrusted = message.contains("x509:") || message.contains("tls:");
            Some(if untrusted { Self::ConversionWebhookUntrusted } else { Self::ConversionWebhook })
        } else if message.contains("storage is (re)initializing") {
            Some(Self::CrdStorageInitializing)
        } else if message.contains("failed calling webhook") || message.contains("admission webhook") {
            Some(Self::AdmissionWebhook)
        } else {
            None
        }
    }
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(Kind::Other, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl<'de> Deserialize<'de> for Failure {
    /// Recordings in the first format contain only the sentence.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Sentence(String),
            Typed {
                #[serde(default)]
                kind: Kind,
                #[serde(default)]
                message: String,
            },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Sentence(message) => Self::new(Kind::of_message(&message).unwrap_or_default(), message),
            Form::Typed { kind, message } => Self { kind, message },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_survives_a_recording() {
        let failure = Failure::new(Kind::ConnectionRefused, "nothing listens there");
        let text = serde_json::to_string(&failure).expect("a failure is data");
        assert_eq!(text, r#"{"kind":"connection-refused","message":"nothing listens there"}"#);
        assert_eq!(serde_json::from_str::<Failure>(&text).ok(), Some(failure));
    }

    #[test]
    fn recordings_of_the_first_format_are_readable() {
        let read = |text: &str| serde_json::from_str::<Failure>(text).expect("both forms");
        assert_eq!(read(r#""no answer within 10s""#).kind, Kind::Other);
        assert_eq!(
            read(r#""the API server answered 500: conversion webhook for x failed""#).kind,
            Kind::ConversionWebhook
        );
        let later = read(r#"{"kind":"of-a-later-version","message":"why"}"#);
        assert_eq!(later, Failure::new(Kind::Other, "why"));
    }
}
