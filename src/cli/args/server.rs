//! Arguments of `server`.

use clap::{Args, Subcommand};

/// What to ask Meshery Server.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  meshdoctor server status\n  meshdoctor server status --meshery-server http://localhost:9081"
)]
pub enum Server {
    /// Show its session, its connection to this cluster, its view of the controllers, its data and its adapters
    Status(ServerStatus),
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
