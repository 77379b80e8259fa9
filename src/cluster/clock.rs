//! The clock.

use k8s_openapi::jiff::Timestamp;

/// The time. Nothing below this layer reads a clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
