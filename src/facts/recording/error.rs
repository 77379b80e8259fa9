//! Why a recording or dump cannot be parsed.

use crate::stack::base::words;

/// Why a recording or dump cannot be parsed. The offending values may be secrets, so they are left out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    /// An object lacks the fields of its kind.
    #[error("{what} is malformed: {}", without_place(.error))]
    Malformed { what: String, error: serde_json::Error },
    /// It was made with a profile that this version does not have.
    #[error("it was made with the unknown profile \"{0}\"")]
    UnknownProfile(String),
    /// Only one recording of a stack can be read at a time.
    #[error("it contains more than one recording")]
    Several,
    /// It contains several stacks, but not the one that the user named.
    #[error("it contains no recording of {0}")]
    WithoutProfile(&'static str),
}

impl RecordingError {
    /// What to do instead.
    pub(super) fn hint(&self) -> Option<String> {
        matches!(self, Self::Several).then(|| "give them one at a time".into())
    }

    /// For `map_err`: this object is malformed.
    pub(super) fn malformed(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        |error| Self::Malformed { what: what.into(), error }
    }
}

/// The error without line and column, which refer to an internal text.
fn without_place(error: &serde_json::Error) -> String {
    let why = error.to_string();
    let place = why.rfind(" at line ").filter(|_| error.line() > 0);
    words::malformed(&&why[..place.unwrap_or(why.len())])
}
