//! Arguments of `server`.

use clap::{Args, Subcommand, ValueEnum};

use super::Change;

/// What to ask or change in Meshery Server.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  meshdoctor server status\n  meshdoctor server status --meshery-server http://localhost:9081"
)]
pub enum Server {
    /// Show its session, its connection to this cluster, its view of the controllers, its data and its adapters
    Status(ServerStatus),
    /// Show the configuration of the controllers: override, default, effective, and what the cluster has
    Config(ServerConfig),
    /// List, test, add or delete the Kubernetes contexts that the server knows
    #[command(subcommand)]
    Contexts(Contexts),
    /// Switch how the server watches this cluster: with the operator, or with MeshSync inside the server
    Mode(ServerMode),
    /// Make the server connect to the broker again, by the mildest means that works
    Reconnect(ServerReconnect),
}

/// The flags of `server config`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server config
  meshdoctor server config -o json

Exit codes: 0 if the server showed its configuration, otherwise 3.")]
pub struct ServerConfig {
    /// Show a recording: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
}

/// What to do with the contexts that the server knows.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  meshdoctor server contexts list
  meshdoctor server contexts upload ~/.kube/config --only prod
  meshdoctor server contexts delete prod")]
pub enum Contexts {
    /// List the contexts with their IDs and status
    List(ContextsList),
    /// Test whether the server reaches the clusters
    Ping(ContextsPing),
    /// Make the server look for kubeconfigs again, and start its controllers for each connection
    Rediscover(ContextsRediscover),
    /// Upload a kubeconfig to the server
    Upload(ContextsUpload),
    /// Delete a connection to a cluster from the server
    Delete(ContextsDelete),
}

/// The flags of `server contexts list`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server contexts list
  meshdoctor server contexts list -o wide      also IDs

Exit codes: 0 if the server listed its connections, otherwise 3.")]
pub struct ContextsList {
    /// Show a recording: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
}

/// The arguments of `server contexts ping`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server contexts ping              every context
  meshdoctor server contexts ping prod

Exit codes: 0 if the server reaches every cluster, 1 if not, 3 if that is not known.")]
pub struct ContextsPing {
    /// Name or ID of a context or connection [default: all]
    #[arg(value_name = "CONTEXT")]
    pub wanted: Option<String>,
}

/// The flags of `server contexts rediscover`.
#[derive(Args, Debug)]
pub struct ContextsRediscover {
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// The arguments of `server contexts upload`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server contexts upload ~/.kube/config --only prod --dry-run
  meshdoctor server contexts upload ~/.kube/config --only prod
  kubectl config view --raw --minify | meshdoctor server contexts upload - --yes

The server stores the credentials of every context that is uploaded.")]
pub struct ContextsUpload {
    /// A kubeconfig, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Upload only this context (repeatable) [default: all]
    #[arg(long, value_name = "CONTEXT")]
    pub only: Vec<String>,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// The arguments of `server contexts delete`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server contexts delete prod --dry-run
  meshdoctor server contexts delete 535bca23-d3bd-af3e-2c7d-d5dc00000001")]
pub struct ContextsDelete {
    /// Name or ID of a context or connection
    #[arg(value_name = "CONTEXT")]
    pub wanted: String,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// The arguments of `server mode`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server mode embedded --dry-run
  meshdoctor server mode operator")]
pub struct ServerMode {
    /// The mode
    #[arg(value_enum)]
    pub mode: Mode,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// How the server watches a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Operator, broker and MeshSync in the cluster
    Operator,
    /// MeshSync inside the server
    Embedded,
}

/// The arguments of `server reconnect`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server reconnect --dry-run
  meshdoctor server reconnect                  asks before each means
  meshdoctor server reconnect --yes            waits, then restarts the server if it is in the cluster
  meshdoctor server reconnect --yes --disconnect")]
pub struct ServerReconnect {
    /// If nothing else helps, disconnect the connection in the server and connect it again: this removes what the server
    /// installed in the cluster
    #[arg(long)]
    pub disconnect: bool,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// The flags of `server status`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor server status                                        Service meshery in the cluster
  meshdoctor server status --meshery-server http://localhost:9081
  meshdoctor server status -o wide                                also IDs, every kind and more events
  meshdoctor server status --from recording.json

Exit codes: 0 if the server accepted the session and listed its connections, otherwise 3.")]
pub struct ServerStatus {
    /// Show a recording: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
}
