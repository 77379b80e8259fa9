//! Arguments of `test`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{FailOn, duration};
use crate::cluster::kubeconfig::namespace;

/// What can be tested.
#[derive(Debug, Subcommand)]
pub enum Test {
    /// The way to the API server: address, connection, TLS, credentials, latency
    Kubernetes(Repeated),
    /// Whether the operator leads, and has acted on what it is told
    Operator(Judged),
    /// Every server of the broker: connection, token, latency, and that it hands on what is published
    Broker(Repeated),
    /// Whether MeshSync is connected and answers
    Meshsync(Judged),
    /// Whether a change in the cluster comes out of the broker: makes an object, changes it, removes it, and waits for
    /// the events
    Dataflow(Dataflow),
}

/// When a test fails.
#[derive(Args, Debug)]
pub struct Judged {
    /// Least severe finding that fails the run
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
}

/// The arguments of a test that is repeated for its times.
#[derive(Args, Debug)]
pub struct Repeated {
    /// How often to measure
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// When it fails
    #[command(flatten)]
    pub judged: Judged,
}

/// The arguments of `test dataflow`.
#[derive(Args, Debug)]
pub struct Dataflow {
    /// Show the test in a recording that `record --synthetic` made: a file, a folder, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "passive", "store", "kind", "probe_namespace", "wait"])]
    pub from: Option<String>,
    /// How many objects to make, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Only listen, for so long, and write nothing
    #[arg(long, value_name = "DURATION", value_parser = duration, num_args = 0..=1, default_missing_value = "10s", conflicts_with_all = ["count", "kind", "probe_namespace"])]
    pub passive: Option<Duration>,
    /// Have MeshSync publish its whole store once, and compare it with what the API server counts
    #[arg(long)]
    pub store: bool,
    /// The object to make
    #[command(flatten)]
    pub probe: Probe,
    /// Longest wait for a single event
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub wait: Duration,
    /// When it fails
    #[command(flatten)]
    pub judged: Judged,
}

/// The object that a test of the flow makes.
#[derive(Args, Debug, Default)]
pub struct Probe {
    /// Kind of the object [default: the first of these that MeshSync watches]
    #[arg(long, value_name = "KIND", value_parser = ["configmap", "deployment", "replicaset", "cronjob", "service"])]
    pub kind: Option<String>,
    /// Namespace of the object [default: the stack's]
    #[arg(long, value_name = "NAME", value_parser = namespace)]
    pub probe_namespace: Option<String>,
}
