//! Which answers are worth a retry, and when.
//!
//! Only requests that change nothing are retried: reads, reviews and, if the API server limits requests, dry runs. An
//! answer that is due to the conversion webhook is a diagnosis and is never retried.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::stack::base::{failure::Kind, limits::API_RETRIES};

/// The pauses before a retry if the answer has no `Retry-After`.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];

/// The shortest pause that an answer can request.
const SHORTEST: Duration = Duration::from_millis(50);

/// Which requests may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Never.
    Never,
    /// If the API server limits requests. Other failures may be a decision, for example of an admission webhook.
    Throttled,
    /// Also if the API server failed.
    Failed,
}

/// An answer that is worth a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    status: StatusCode,
    /// The value of `Retry-After`, if present.
    after: Option<Duration>,
}

impl Hint {
    /// Whether an answer is worth a retry.
    pub(crate) fn of(status: StatusCode, headers: &HeaderMap, kind: Kind, repeat: RetryPolicy) -> Option<Self> {
        let worth = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => repeat != RetryPolicy::Never,
            StatusCode::INTERNAL_SERVER_ERROR => repeat == RetryPolicy::Failed,
            _ => false,
        };
        let after = headers.get(header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        (worth && !kind.is_conversion()).then_some(Self { status, after: after.map(Duration::from_secs) })
    }

    /// The pause before the next attempt, after this many. `None` if there is none.
    pub(crate) fn pause(self, tries: u32) -> Option<Duration> {
        match self.after {
            // Not only the API server returns 500 or 503. A server that sends `Retry-After` means it.
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

    fn hint(status: u16, after: Option<&str>, kind: Kind, repeat: RetryPolicy) -> Option<Hint> {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, after.parse().expect("a value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        Hint::of(status, &headers, kind, repeat)
    }

    #[test]
    fn retry_after_is_obeyed_and_bare_errors_get_two_attempts() {
        let asked = hint(429, Some("7"), Kind::TooManyRequests, RetryPolicy::Failed).expect("a hint");
        assert_eq!(asked.pause(0), Some(Duration::from_secs(7)));
        assert_eq!(asked.pause(API_RETRIES), None);
        for status in [429, 500, 503] {
            let bare = hint(status, None, Kind::ServerError, RetryPolicy::Failed).expect("a hint");
            assert!(bare.pause(0).is_some() && bare.pause(1).is_some());
            assert_eq!(bare.pause(2), None);
        }
    }

    #[test]
    fn diagnoses_and_decisions_are_not_retried() {
        let kinds = [Kind::ConversionWebhook, Kind::CrdStorageInitializing];
        for kind in kinds {
            assert_eq!(hint(500, None, kind, RetryPolicy::Failed), None);
            assert_eq!(hint(429, Some("1"), kind, RetryPolicy::Failed), None);
        }
        assert_eq!(hint(500, None, Kind::ServerError, RetryPolicy::Throttled), None);
        assert!(hint(503, None, Kind::ServerError, RetryPolicy::Throttled).is_some());
        assert_eq!(hint(429, Some("1"), Kind::ServerError, RetryPolicy::Never), None);
        assert_eq!(hint(404, None, Kind::NotFound, RetryPolicy::Failed), None);
    }
}
