//! Changes: a plan is computed from live to desired state, shown, confirmed, and applied.
//!
//! - [`crate::stack`] knows everything that a stack may consist of, and the manifests that install it.
//! - [`deployment`] plans `system redeploy`, [`removal`] plans `system reset`; [`plan`] is what a plan is, [`diff`] what
//!   changes in an object.
//! - `release` releases objects from other tools, for a plan that takes over.
//! - `host_port` makes room before a restart.
//! - [`fix`] selects what `check --fix` does.
//! - [`server`] changes what Meshery Server stores or does; [`operation`] is what its steps do and wait for.
//! - [`apply`] is the only writer; [`backup`] writes a copy of the removed objects, and [`restore`] reads it.
//! - [`crate::report::change`] is what the command answers.

pub mod apply;
pub mod backup;
pub mod deployment;
pub mod diff;
pub mod fix;
mod host_port;
pub mod inspect;
pub mod operation;
pub mod plan;
pub mod progress;
mod release;
pub mod removal;
pub mod restore;
pub mod server;
