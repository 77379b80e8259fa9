//! What the stack is, without facts: its names, objects, lists and log lines.
//!
//! `base` does not depend on Meshery.

pub mod base;
pub mod cni;
pub mod component;
pub mod controllers;
pub mod error_codes;
pub mod hub;
pub mod inventory;
pub mod manager;
pub mod manifests;
pub mod object;
pub mod output_filter;
pub mod profile;
pub mod quantity;
pub mod schema;
pub mod signatures;
pub mod watch_list;
pub mod watched_kinds;
pub mod wording;
