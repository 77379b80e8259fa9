//! What the server's answers say about our session, and whether it is Meshery Server at all.

use super::{client::Answer, read, requests::of_status, route::Failed};
use crate::{
    facts::server::{ReachStep, ServerRelease, ServerSession, Unreachable},
    stack::base::{failure::Kind, seen::Seen},
};

/// What was sent to prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Only the name of a local provider.
    Nothing,
    /// A token.
    Token {
        /// Whether it has expired by its own account.
        expired: bool,
    },
}

/// The session, by the answer about the user.
///
/// A server without a session redirects to a page for a login, which may be that of another host. A provider that is
/// gone looks the same in older releases.
pub(super) fn session(answer: &Result<Answer, Failed>, sent: Sent) -> ServerSession {
    let refused = |how: String| match sent {
        Sent::Nothing => ServerSession::NoToken,
        Sent::Token { expired: true } => ServerSession::Expired,
        Sent::Token { expired: false } => ServerSession::Rejected(how),
    };
    match answer {
        Ok(Answer::Json(text)) => match read::user(text) {
            Ok(true) if sent == Sent::Nothing => ServerSession::Local,
            Ok(true) => ServerSession::LoggedIn,
            // The provider failed, and the server passes on an empty user.
            Ok(false) => ServerSession::ProviderDown,
            Err(failure) => ServerSession::Unknown(failure.message),
        },
        Ok(Answer::Redirect(to)) => refused(to.clone()),
        Ok(Answer::Status(status @ (401 | 403), said)) => refused(of_status(*status, said).message),
        Ok(Answer::Status(503, _)) => ServerSession::ProviderDown,
        Ok(Answer::Status(status, said)) => ServerSession::Unknown(of_status(*status, said).message),
        Ok(Answer::Html(status)) => ServerSession::Unknown(of_status(*status, "an HTML page").message),
        Ok(Answer::Text(_)) => ServerSession::Unknown("it answered with text instead of JSON".into()),
        Err(failed) => ServerSession::Unknown(failed.failure.message.clone()),
    }
}

/// Why it is not known that this is Meshery Server. `None` if it is: it named a user or its version, or it has other
/// answers in its form.
pub(super) fn unreachable(
    user: &Result<Answer, Failed>,
    version: &Seen<ServerRelease>,
    has_other_answers: bool,
) -> Option<Unreachable> {
    if version.known().is_some() || has_other_answers {
        return None;
    }
    // A version that did not arrive in time proves nothing: the server asks the Internet for it first.
    let version_is_open = version.failure().is_some_and(|failure| {
        failure.kind.is_transport() || matches!(failure.kind, Kind::ServerError | Kind::TooManyRequests)
    });
    let not_the_server = |message: String| Unreachable { step: ReachStep::NotTheServer, message, missing: Vec::new() };
    match user {
        Ok(Answer::Json(text)) => match read::user(text) {
            Ok(true) => None,
            Ok(false) if version_is_open => None,
            _ => Some(not_the_server("it answered with other JSON than Meshery Server".into())),
        },
        Ok(Answer::Redirect(_) | Answer::Status(401 | 403, _)) if version_is_open => None,
        Ok(Answer::Redirect(to)) => {
            Some(not_the_server(format!("it redirects to {to}, also where Meshery Server wants no login")))
        }
        Ok(Answer::Status(503, _)) if version.failure().is_some_and(|failure| failure.kind == Kind::TimedOut) => None,
        Ok(Answer::Status(400, said)) if said.contains("HTTP request to an HTTPS server") => Some(not_the_server(
            "it speaks TLS, but the request was plain HTTP: the address must begin with https://".into(),
        )),
        Ok(Answer::Status(status @ 500.., said)) => {
            let message = of_status(*status, said).message;
            Some(Unreachable { step: ReachStep::Response, message, missing: Vec::new() })
        }
        Ok(Answer::Status(status, said)) => Some(not_the_server(of_status(*status, said).message)),
        Ok(Answer::Html(status)) => Some(not_the_server(format!("it answered with an HTML page ({status})"))),
        Ok(Answer::Text(_)) => Some(not_the_server("it answered with text instead of JSON".into())),
        Err(failed) => Some(failed.unreachable()),
    }
}
