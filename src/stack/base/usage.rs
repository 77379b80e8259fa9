//! An error in the use of the command line.

use std::fmt::Display;

/// An error in what was typed or named on the command line: exit code 2, one sentence, no document.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    message: String,
    hint: Option<(&'static str, String)>,
}

impl UsageError {
    /// Without a hint.
    pub fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None }
    }

    /// A file, folder or standard input cannot be read.
    pub fn unreadable(what: impl Display, why: impl Display) -> Self {
        Self::new(format!("cannot read {what}: {why}"))
    }

    /// Adds a hint that helps to find the mistake, such as the names that exist.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into().map(|hint| ("; ", hint));
        self
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn instead<'a>(mut self, hint: impl Into<Option<&'a str>>) -> Self {
        self.hint = hint.into().map(|hint| (": ", hint.to_owned()));
        self
    }

    /// The hint as it is appended to the message. Empty if there is none.
    pub fn suffix(&self) -> String {
        let hint = self.hint.as_ref();
        hint.map_or_else(String::new, |(joint, hint)| format!("{joint}{hint}"))
    }
}
