//! The only reader of the cluster.
//!
//! All queries are sent in two rounds under one deadline: first everything that is known by name, then what the first
//! answers require (the broker servers, single access reviews, other namespaces).

pub(crate) mod broker;
mod cni_policies;
mod collect;
pub(crate) mod connectivity;
mod count;
mod http1;
mod hub;
mod logs;
mod look;
mod pod_page;
mod preflight;
#[cfg(test)]
mod properties;
pub mod queries;
pub mod remotes;
pub mod served;
pub(crate) mod server;
pub mod stacks;

pub use crate::facts::Depth;
pub use connectivity::{TestPlan, progress};
pub use look::{look, look_at_server_state, look_with_server, test};
