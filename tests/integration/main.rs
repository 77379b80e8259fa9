//! The integration tests: one binary, because each additional one would link the whole client again.
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
mod artifacts;
mod cli;
mod failures;
mod fault_proxy;
mod hostile;
mod known_problems;
mod limits;
mod live;
mod manifests;
mod meshery_server;
mod new_diagnosis;
mod nodes;
mod preflight;
#[path = "../node/mod.rs"]
mod real_node;
mod release;
mod remedies;
mod schema;
mod tool;
mod two_faults;
mod watch_list;
mod who_fixes;
