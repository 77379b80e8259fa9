//! Why the server's test of its connection to this cluster failed. Several diagnoses share it.

use crate::{
    facts::server::ServerFacts,
    stack::base::{failure::Kind as FailureKind, seen::Seen},
};

/// Why the test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PingFailure {
    /// The credentials or the file that the server stores cannot be used.
    Kubeconfig,
    /// The server does not know its own connection any more.
    Forgotten,
    /// The cluster's API server does not answer the server.
    Unreachable,
    /// The server did not answer in time. Its own request may still be waiting.
    NoAnswer,
}

/// Parts of messages about unusable credentials.
const OF_CREDENTIALS: &[&str] = &[
    "failed to get kubernetes config",
    "provide credentials",
    "unauthorized",
    "getting credentials",
    "exec plugin",
    "executable",
    "x509",
    "certificate signed by unknown authority",
    "invalid configuration",
    "kubeconfig",
];

/// Parts of messages about a context that is gone.
const OF_A_CONTEXT: &[&str] = &["failed to get kubernetes context", "context not found"];

/// Parts of messages about an API server that does not answer. A proxy in front of the server answers 500, too, without
/// any of them.
const OF_A_CLUSTER: &[&str] = &[
    "dial ",
    "refused",
    "no such host",
    "timeout",
    "deadline",
    "reset by peer",
    "no route",
    "unreachable",
    "eof",
    "kubernetes",
    "cluster",
    "/version",
];

/// Whether a text is about a kubeconfig or the credentials in it.
pub(super) fn is_about_credentials(text: &str) -> bool {
    let text = text.to_lowercase();
    OF_CREDENTIALS.iter().any(|part| text.contains(part))
}

/// The failure and its message. `None` if the test passed or proves nothing.
pub(super) fn failure(server: &ServerFacts) -> Option<(PingFailure, &str)> {
    let Seen::Unreachable(failure) = &server.ping else { return None };
    let text = failure.message.as_str();
    let lower = text.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let what = match server.ping_status {
        Some(404) => PingFailure::Forgotten,
        Some(400 | 500..) if has(OF_A_CONTEXT) => PingFailure::Forgotten,
        Some(400 | 500..) if has(OF_CREDENTIALS) => PingFailure::Kubeconfig,
        // The server did not understand the request: that says nothing about the cluster.
        Some(400) if lower.contains("empty contextid") => return None,
        Some(400) => PingFailure::Kubeconfig,
        Some(500..) if has(OF_A_CLUSTER) => PingFailure::Unreachable,
        None if failure.kind == FailureKind::TimedOut => PingFailure::NoAnswer,
        _ => return None,
    };
    Some((what, text))
}

/// The failure as evidence: the answer's text, which contains the status.
pub(super) fn evidence(text: &str) -> String {
    format!("/api/system/kubernetes/ping: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::base::failure::Failure;

    #[test]
    fn answers_of_real_servers_are_classified() {
        for (status, text, expected) in [
            (Some(500), "failed to get kubernetes context for the given ID", Some(PingFailure::Forgotten)),
            (Some(404), "context not found", Some(PingFailure::Forgotten)),
            (Some(400), "failed to get kubernetes config for the user", Some(PingFailure::Kubeconfig)),
            (Some(500), "the server has asked for the client to provide credentials", Some(PingFailure::Kubeconfig)),
            (
                Some(500),
                "Get \"https://127.0.0.1:45927/version\": dial tcp 127.0.0.1:45927: connect: connection refused",
                Some(PingFailure::Unreachable),
            ),
            (Some(500), "Internal Server Error", None),
            (Some(400), "Empty contextID. Pass the context ID", None),
            (Some(302), "redirected", None),
            (None, "it closed the connection", None),
        ] {
            let ping = Seen::Unreachable(Failure::new(FailureKind::ServerError, text));
            let server = ServerFacts { ping, ping_status: status, ..ServerFacts::default() };
            assert_eq!(failure(&server).map(|(what, _)| what), expected, "{text}");
        }
        let ping = Seen::Unreachable(Failure::new(FailureKind::TimedOut, "no answer within 3 s"));
        let server = ServerFacts { ping, ..ServerFacts::default() };
        assert_eq!(failure(&server).map(|(what, _)| what), Some(PingFailure::NoAnswer));
    }
}
