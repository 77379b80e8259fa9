//! The formats for programs.

use serde::Serialize;

use crate::cli::output::Redacted;

/// One JSON document, without credentials.
pub fn json<T: Serialize>(document: &T) -> Redacted {
    Redacted::json(document)
}

/// The same document as YAML.
pub fn yaml<T: Serialize>(document: &T) -> Redacted {
    Redacted::yaml(document)
}
