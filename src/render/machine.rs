//! The formats for programs.

use serde::Serialize;

/// One JSON document.
///
/// # Panics
///
/// Never: what is rendered has a JSON form, which the tests of every fixture see.
pub fn json<T: Serialize>(document: &T) -> String {
    let mut text = serde_json::to_string_pretty(document)
        .unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
    text.push('\n');
    text
}

/// The same document as YAML.
pub fn yaml<T: Serialize>(document: &T) -> String {
    serde_yaml::to_string(document).unwrap_or_else(|error| format!("error: {error}\n"))
}
