//! Code that does not depend on Meshery: bounded reading, failures, permissions, wording.

pub(crate) mod bounded;
pub(crate) mod cron;
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
