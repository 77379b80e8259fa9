//! Arguments of `test`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{FailOn, duration, image};
use crate::cluster::kubeconfig::namespace;

/// What can be tested.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  meshdoctor test dataflow\n  meshdoctor test dataflow --passive 30s\n  meshdoctor test broker --count 100\n  meshdoctor test server --meshery-server http://localhost:9081"
)]
pub enum Test {
    /// The API server: address, connection, TLS, credentials, latency
    Kubernetes(Repeated),
    /// The operator: leader election and reconciliation
    Operator(Judged),
    /// Every broker server: connection, token, latency, publish and receive
    Broker(Repeated),
    /// MeshSync: connection to the broker, and its response to a request
    Meshsync(Judged),
    /// The network: creates a pod like MeshSync's, which tries DNS and both ports of the broker
    Network(Network),
    /// Meshery Server: connection, session, its view of this cluster, its adapters and its data
    Server(Repeated),
    /// The whole path: creates, changes and deletes an object, and waits for its events at the broker
    Dataflow(Dataflow),
}

/// Which findings fail a test.
#[derive(Args, Debug)]
pub struct Judged {
    /// Lowest severity that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
}

/// The arguments of a test that is repeated for its times.
#[derive(Args, Debug)]
pub struct Repeated {
    /// Number of measurements
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// Which findings fail the test
    #[command(flatten)]
    pub judged: Judged,
}

/// The arguments of `test network`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor test network --image registry.example/meshdoctor:1.0
  meshdoctor test network --image meshdoctor:1 --timeout 2m")]
pub struct Network {
    /// Image of meshdoctor for the pod; none is published, `.ci/image` builds one
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<String>,
    /// Which findings fail the test
    #[command(flatten)]
    pub judged: Judged,
}

/// The arguments of `network-probe`, which the pod of `test network` runs.
#[derive(Args, Debug)]
pub struct NetworkProbe {
    /// An address of the broker
    #[arg(long = "broker", value_name = "HOST:PORT", required = true)]
    pub brokers: Vec<String>,
    /// The monitor port
    #[arg(long, value_name = "PORT", default_value_t = 8222)]
    pub monitor_port: u16,
}

/// The arguments of `test dataflow`.
#[derive(Args, Debug)]
pub struct Dataflow {
    /// Show the test of a recording made by `record --synthetic`: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "passive", "store", "through_server", "kind", "probe_namespace", "wait"])]
    pub from: Option<String>,
    /// Number of objects to create, one after another
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Only listen to the broker for this long, and write nothing
    #[arg(long, value_name = "DURATION", value_parser = duration, num_args = 0..=1, default_missing_value = "10s", conflicts_with_all = ["count", "kind", "probe_namespace"])]
    pub passive: Option<Duration>,
    /// Request MeshSync's whole store, and compare its counts with the API server's
    #[arg(long)]
    pub store: bool,
    /// Also wait until Meshery Server's data shows the object, and until it is gone
    #[arg(long, conflicts_with = "passive")]
    pub through_server: bool,
    /// The test object
    #[command(flatten)]
    pub probe: Probe,
    /// Timeout for each event
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub wait: Duration,
    /// Which findings fail the test
    #[command(flatten)]
    pub judged: Judged,
}

/// The object that `test dataflow` creates.
#[derive(Args, Debug, Default)]
pub struct Probe {
    /// Kind of the object [default: the first of these that MeshSync watches]
    #[arg(long, value_name = "KIND", value_parser = ["configmap", "deployment", "replicaset", "cronjob", "service"])]
    pub kind: Option<String>,
    /// Namespace of the object [default: the stack's]
    #[arg(long, value_name = "NAME", value_parser = namespace)]
    pub probe_namespace: Option<String>,
}
