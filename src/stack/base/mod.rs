//! What knows nothing of Meshery: bounded reading, failures, permissions, words.

pub(crate) mod bounded;
pub mod failure;
pub mod files;
pub mod invocation;
pub mod limits;
pub(crate) mod os;
#[cfg(all(test, unix))]
mod os_tests;
pub mod permission;
#[cfg(test)]
pub(crate) mod properties;
pub mod reader;
pub mod sanitize;
pub mod seen;
pub mod usage;
pub(crate) mod words;
pub(crate) mod yaml;
