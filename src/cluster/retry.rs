//! Which answers are worth another try, and when.
//!
//! Only requests that change nothing are repeated: reads, reviews and, when the API server limits requests, dry runs. An
//! answer because of the conversion webhook is a diagnosis and is never asked for again.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::stack::base::{failure::Kind, limits::API_RETRIES};

/// The pauses before a request is repeated that says nothing of when.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// The shortest pause that an answer can ask for.
const SHORTEST: Duration = Duration::from_millis(50);

/// Which requests may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Never.
    Never,
    /// When the API server limits requests: what it fails at may be a decision, as an admission webhook's.
    Throttled,
    /// Also when the API server failed.
    Failed,
}

/// An answer that is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    status: StatusCode,
    /// What `Retry-After` says, if it is there.
    after: Option<Duration>,
}

impl Hint {
    /// What an answer says of another try.
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap, kind: Kind, repeat: Repeat) -> Option<Self> {
        let worth = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => repeat != Repeat::Never,
            StatusCode::INTERNAL_SERVER_ERROR => repeat == Repeat::Failed,
            _ => false,
        };
        let after = headers.get(header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        (worth && !kind.is_conversion()).then_some(Self { status, after: after.map(Duration::from_secs) })
    }

    /// How long to wait before the next try, after so many; `None` when there is none.
    pub(crate) fn pause(self, tries: u32) -> Option<Duration> {
        match self.after {
            // Two things answer 500 or 503: who says when means it.
            Some(after) => (tries < API_RETRIES).then(|| after.max(SHORTEST)),
            None => PAUSES.get(usize::try_from(tries).ok()?).copied(),
        }
    }

    /// The answer's status.
    pub(crate) fn status(self) -> u16 {
        self.status.as_u16()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(status: u16, after: Option<&str>, kind: Kind, repeat: Repeat) -> Option<Hint> {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, after.parse().expect("a value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        Hint::of(status, &headers, kind, repeat)
    }

    #[test]
    fn retry_after_is_obeyed_and_bare_errors_get_two_tries() {
        let asked = hint(429, Some("7"), Kind::TooManyRequests, Repeat::Failed).expect("a hint");
        assert_eq!(asked.pause(0), Some(Duration::from_secs(7)));
        assert_eq!(asked.pause(API_RETRIES), None);
        for status in [429, 500, 503] {
            let bare = hint(status, None, Kind::ServerError, Repeat::Failed).expect("a hint");
            assert!(bare.pause(0).is_some() && bare.pause(1).is_some());
            assert_eq!(bare.pause(2), None);
        }
    }

    #[test]
    fn diagnoses_and_decisions_are_not_asked_for_again() {
        let kinds = [Kind::ConversionWebhook, Kind::CrdStorageInitializing];
        for kind in kinds {
            assert_eq!(hint(500, None, kind, Repeat::Failed), None);
            assert_eq!(hint(429, Some("1"), kind, Repeat::Failed), None);
        }
        assert_eq!(hint(500, None, Kind::ServerError, Repeat::Throttled), None);
        assert!(hint(503, None, Kind::ServerError, Repeat::Throttled).is_some());
        assert_eq!(hint(429, Some("1"), Kind::ServerError, Repeat::Never), None);
        assert_eq!(hint(404, None, Kind::NotFound, Repeat::Failed), None);
    }
}
