//! The integration tests: one binary, since every further one would link the whole client again.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../bed/mod.rs"]
mod bed;
#[path = "../bed/selftest.rs"]
mod bed_selftest;
#[path = "../bed/publishing.rs"]
mod bed_selftest_publishing;
#[allow(dead_code)]
#[path = "../fixture/mod.rs"]
mod fixture;

mod architecture;
mod artefacts;
mod cli;
mod failures;
mod fault_proxy;
mod hostile;
mod known_problems;
mod live;
mod manifests;
mod new_diagnosis;
mod pairs;
mod preflight;
mod release;
mod schema;
mod tool;
mod watch_list;
