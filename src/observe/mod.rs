//! The only reader of the world.
//!
//! Everything is asked at once, in two waves under one deadline: first what can be asked by name, then what the first
//! answers lead to (the broker's servers, single access reviews, other namespaces).

pub(crate) mod broker;
mod collect;
pub(crate) mod connectivity;
mod logs;
mod look;
mod preflight;
#[cfg(test)]
mod properties;
pub mod questions;

pub use crate::facts::Depth;
pub use connectivity::TestPlan;
pub use look::{look, test};
