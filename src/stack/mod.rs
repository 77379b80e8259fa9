//! What the stack is, without facts: its names, its objects, its lists and its log lines.
//!
//! `base` is what knows nothing of Meshery.

pub mod base;
pub mod component;
pub mod error_codes;
pub mod inventory;
pub mod manager;
pub mod manifests;
pub mod object;
pub mod output_filter;
pub mod profile;
pub mod quantity;
pub mod signatures;
pub mod watch_list;
pub mod watched_kinds;
