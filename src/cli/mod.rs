//! The command line: arguments, one verb per file, the terminal, and the text of every answer.

pub mod args;
pub mod candidates;
pub mod exit;
pub mod live_list;
pub mod live_view;
pub mod mesheryctl;
pub mod output;
#[cfg(test)]
mod properties;
pub mod render;
pub mod signals;
pub mod terminal;
pub mod verbs;
