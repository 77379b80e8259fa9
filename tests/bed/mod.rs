//! The test bed: a real control plane and real NATS servers on loopback, with the stack in any state.
//!
//! A test leases a cluster, installs a stack in the lease's namespace and runs the tool against it:
//!
//! ```ignore
//! let bed = bed::lease().await?;
//! let stack = bed::Stack::of(bed::Line::Current).namespace(bed.namespace()).start(&bed).await?;
//! let _meshsync = stack.meshsync(0).await?;
//! // … with KUBECONFIG=bed.kubeconfig() and --namespace bed.namespace()
//! ```
//!
//! Everything is cleaned up when the process ends, even if it is killed: see [`process`].

// Three targets include this module, and each uses only a part of it.
#![allow(dead_code, unused_imports, unreachable_pub)]
// The comments contain many names of kinds and products.
#![allow(clippy::doc_markdown)]
// Errors of the test bed are printed to the test's stderr.
#![allow(clippy::print_stderr)]

mod broker;
mod certificates;
mod client;
mod cluster;
mod control_plane;
pub mod crds;
mod failures;
mod fake_client;
mod fake_controller;
pub mod gloo_mesh;
mod line;
mod manifests;
mod network;
#[path = "../node/node.rs"]
pub mod node;
mod operator;
#[path = "../node/policies.rs"]
mod policies;
mod pool;
mod process;
mod programs;
mod publisher;
mod real;
pub mod rest;
mod scratch;
mod setup;
mod stack;
pub mod states;
pub mod users;
mod wait;
pub mod watch_list;

pub use broker::{Broker, IdleConnections};
pub use client::connect_in_cluster;
pub use cluster::{Cluster, Options};
pub use crds::until_stored_as;
pub use fake_client::FakeClient;
pub use fake_controller::{FakeController, FakeOperator};
pub use line::Line;
pub use manifests::now_exactly;
pub use pool::{Lease, lease, lease_as_new, private, private_with};
pub use process::Process;
pub use programs::{example, folder, folder_of_meshdoctor, program};
pub use publisher::{Faults, Publisher};
pub use real::account_kubeconfig;
pub use setup::Setup;
pub use stack::Stack;
pub use wait::{until, until_every, until_stable};
