//! The test cluster: a real control plane and real NATS servers on loopback, with the stack in any state.
//!
//! A test leases a cluster, puts a stack into the lease's namespace and runs the tool against it:
//!
//! ```ignore
//! let bed = bed::lease().await?;
//! let stack = bed::Stack::of(bed::Line::Current).namespace(bed.namespace()).start(&bed).await?;
//! let _meshsync = stack.meshsync(0).await?;
//! // … with KUBECONFIG=bed.kubeconfig() and --namespace bed.namespace()
//! ```
//!
//! Nothing is left when the process ends, in whatever way: see [`process`].

// Three targets include this module and each uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub)]
// The prose is full of names of kinds and products.
#![allow(clippy::doc_markdown)]
// The message of a failing bed belongs on the test's stderr.
#![allow(clippy::print_stderr)]

mod attendant;
mod broker;
mod certificates;
mod client;
mod cluster;
mod control_plane;
mod crds;
mod line;
mod manifests;
mod network;
mod operator;
mod pool;
mod process;
mod programs;
mod publisher;
mod real;
pub mod rest;
mod scratch;
mod setup;
mod sick;
mod stack;
mod standin;
pub mod states;
pub mod users;
mod wait;
pub mod watch_list;

pub use attendant::Attendant;
pub use broker::{Broker, Crowd};
pub use cluster::{Cluster, Options};
pub use crds::until_stored_as;
pub use line::Line;
pub use manifests::now_exactly;
pub use pool::{Lease, lease, private, private_with};
pub use process::Process;
pub use programs::{example, folder, program};
pub use publisher::{Faults, Publisher};
pub use setup::Setup;
pub use stack::Stack;
pub use standin::StandIn;
pub use wait::{until, until_still};
