//! Texts about words that are no codes.

/// The text about a word, when there is one.
pub(super) fn topic(word: &str) -> Option<&'static str> {
    match word {
        "state" | "states" => Some(include_str!("text/states.md")),
        _ => None,
    }
}
