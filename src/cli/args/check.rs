//! Arguments of `check`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::duration;
use crate::cli::candidates;

/// The flags of `check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor check                            diagnose the current context
  meshdoctor check --only broker --all        every check of the broker
  meshdoctor check --fix                      fix what was found, one cause after the other
  meshdoctor check --preflight                can the stack be installed?
  meshdoctor check --from recording.json      diagnose a recording
  meshdoctor check -o json --fail-on warning  gate a pipeline")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Check {
    /// Diagnose a recording: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Lowest severity that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// Check whether the stack can be installed (server-side dry run)
    #[arg(long, alias = "pre", conflicts_with = "expect")]
    pub preflight: bool,
    /// Fix the root causes one after the other; at a terminal, ask which. `review` also allows changes that restart or
    /// replace something that works
    #[arg(long, value_name = "LEVEL", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    #[arg(conflicts_with_all = ["from", "preflight"])]
    pub fix: Option<FixLevel>,
    /// Show what --fix would change, and change nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Apply what --fix allows without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Timeout for each resource that --fix waits for
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration, requires = "fix")]
    pub wait: Duration,
    /// Also run the data flow test (see `test dataflow`), which creates, changes and deletes an object
    #[arg(long, conflicts_with_all = ["preflight", "from"])]
    pub synthetic: bool,
    /// Also look at a registered cluster of Gloo Mesh, through its context; may be repeated
    #[arg(long = "remote-context", value_name = "NAME", add = ArgValueCompleter::new(candidates::contexts))]
    #[arg(conflicts_with_all = ["from", "fix", "preflight", "synthetic"])]
    pub remote_contexts: Vec<String>,
    /// Expected mode and server: operator or embedded; server, server=inside or server=outside
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["operator", "embedded", "server", "server=inside", "server=outside"])]
    pub expect: Vec<String>,
    /// Report only these codes, checks and components
    #[arg(long, value_name = "LIST", value_delimiter = ',', add = ArgValueCompleter::new(candidates::selection))]
    pub only: Vec<String>,
    /// Exclude these codes, checks and components; the number of excluded findings is reported
    #[arg(long, value_name = "LIST", value_delimiter = ',', add = ArgValueCompleter::new(candidates::selection))]
    pub skip: Vec<String>,
    /// Show every check, all evidence, notes and consequences
    #[arg(long)]
    pub all: bool,
    /// What mesheryctl calls `--only operator`
    #[arg(long, hide = true)]
    pub operator: bool,
    /// What mesheryctl calls `--only adapter`
    #[arg(long, hide = true)]
    pub adapters: bool,
    /// One adapter, as mesheryctl names it: NAME or NAME:PORT
    #[arg(long, hide = true, value_name = "NAME[:PORT]")]
    pub adapter: Option<String>,
    /// What mesheryctl calls the check of all components
    #[arg(long, hide = true)]
    pub components: bool,
}

/// What `--fix` may do without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixLevel {
    /// Changes that lose nothing
    Safe,
    /// Also changes that restart or replace something that works
    Review,
}

/// Lowest severity that makes the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors
    Error,
    /// Errors and warnings
    Warning,
    /// Every finding
    Info,
    /// None
    Never,
}
