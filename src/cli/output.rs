//! Output without credentials and without characters that control a terminal.
//!
//! [`crate::cli::terminal`] writes only [`Redacted`] to stdout. It is created in three ways: from a text, in which credentials
//! are masked; from a document, string by string; and from a text of our own.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::{facts::redact, stack::base::sanitize};

/// A text that may be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// A text that may contain strings from a cluster: credentials are masked.
    pub fn text(text: String) -> Self {
        Self(match redact::text(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        })
    }

    /// A text of our own, such as an explanation, a shell script or objects to apply: it is not changed.
    pub fn own(text: String) -> Self {
        Self(text)
    }

    /// A JSON document: credentials in its strings are masked, unsafe characters escaped.
    pub fn json<T: Serialize + ?Sized>(document: &T) -> Self {
        Self(sanitize::json(&masked(document)))
    }

    /// The same document as YAML.
    pub fn yaml<T: Serialize + ?Sized>(document: &T) -> Self {
        Self(sanitize::yaml(&masked(document)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Redacted {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

fn masked<T: Serialize + ?Sized>(document: &T) -> Value {
    let mut value = value_of(document);
    redact::value(&mut value);
    value
}

fn value_of<T: Serialize + ?Sized>(document: &T) -> Value {
    serde_json::to_value(document).unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }))
}

/// Objects to apply, as JSON: only unsafe characters are escaped, because no value may change.
pub fn exact_json<T: Serialize + ?Sized>(document: &T) -> Redacted {
    Redacted(sanitize::json(&value_of(document)))
}

/// Objects to apply, as YAML.
pub fn exact_yaml<T: Serialize + ?Sized>(document: &T) -> Redacted {
    Redacted(sanitize::yaml(&value_of(document)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_lose_credentials_and_keep_their_values_otherwise() {
        let document = json!({"secret": "meshery-nats-auth", "n": 1.5, "a": ["nats://t@h", "x\u{9b}y"]});
        let shown = json!({"secret": "meshery-nats-auth", "n": 1.5, "a": ["nats://REDACTED@h", "x\u{9b}y"]});
        let text = Redacted::json(&document);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), shown);
        let text = Redacted::yaml(&document);
        assert_eq!(serde_yaml::from_str::<Value>(&text).expect("YAML"), shown);
        let text = exact_json(&document);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), document);
    }
}
