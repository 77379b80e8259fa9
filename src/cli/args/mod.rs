//! The command line: clap's definitions and nothing else.

mod change;
mod test;

pub use change::{Change, Deployable, Installation, Redeploy, Removable, Reset};
use std::time::Duration;
pub use test::{Dataflow, Judged, Probe, Repeated, Test};

use clap::{Args, Parser, Subcommand, ValueEnum};
use k8s_openapi::jiff::SignedDuration;

use crate::{cluster::kubeconfig::Access, stack::profile::Profile};

/// Tells what state Meshery's Operator, Broker and MeshSync are truly in, why, and what to do.
#[derive(Debug, Parser)]
#[command(
    name = "meshdoctor",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 nothing found, 1 findings, 2 wrong usage, 3 undetermined, 4 refused, 5 stopped part-way, 129, 130, 131 and 143 stopped by a signal.\n\
                  Nothing but the cluster and its broker is ever contacted."
)]
pub struct Cli {
    /// The flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of every command.
#[derive(Args, Debug)]
pub struct Global {
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub access: Access,
    /// Longest wait for a single request; 0 for none
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = duration, help_heading = "Cluster")]
    pub request_timeout: Duration,

    /// Output format
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Table, help_heading = "Output")]
    pub output: Format,
    /// Longest time for the whole run; 0 for none
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration, help_heading = "Output")]
    pub timeout: Duration,
    /// Family of stacks to look for
    #[arg(long, global = true, value_name = "NAME", value_parser = ["meshery", "meshplay"], help_heading = "Cluster")]
    pub profile: Option<String>,
    /// Tell every request and its time on standard error
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// Print the verdict only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, env = "MESHDOCTOR_COLOR", help_heading = "Output")]
    pub color: Color,
    /// Never ask a question
    #[arg(long, global = true, help_heading = "Output")]
    pub no_input: bool,
}

impl Global {
    /// The namespace of the stack.
    pub(crate) fn namespace<'a>(&'a self, profile: &'a Profile) -> &'a str {
        self.access.namespace.as_deref().unwrap_or(profile.namespace)
    }
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For people, with more columns
    Wide,
    /// For programs
    Json,
    /// For programs
    Yaml,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge or show the stack
    #[command(subcommand)]
    System(System),
    /// Test one connection, or that events flow
    #[command(subcommand)]
    Test(Test),
    /// Write what is seen of the stack to a file, without secrets
    Record(Record),
    /// Validate a watch-list, and show what MeshSync makes of it
    WatchList(WatchList),
    /// Print what `system redeploy` applies, ready to apply
    Manifests(Installation),
    /// Explain a diagnosis, offline
    Explain {
        /// A code, as in a finding; one of the stack's own, as in its logs (1005, meshkit-11118); or "states"
        code: String,
    },
    /// List the diagnoses
    Checks,
    /// Print the smallest roles that a command needs, ready to apply
    #[command(subcommand)]
    Rbac(Rbac),
    /// Print the completion script of a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Judging and showing.
#[derive(Debug, Subcommand)]
pub enum System {
    /// Judge everything: states, root cause, remedy
    Check(Check),
    /// Show states, versions, clients and workloads
    Status(Status),
    /// Deploy the stack or a part of it, or bring it back to what it should be
    Redeploy(Redeploy),
    /// Remove the stack or a part of it, in the order that leaves nothing behind
    Reset(Reset),
}

/// The flags of `system check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Judge a recording: a file, a folder, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Least severe finding that fails the run
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// May this cluster, and this user, take the stack? Tries every object in a dry run and changes nothing
    #[arg(long, conflicts_with = "expect")]
    pub preflight: bool,
    /// Prove that events flow, too, as `test dataflow` does: makes an object, changes it and removes it
    #[arg(long, conflicts_with_all = ["preflight", "from"])]
    pub synthetic: bool,
    /// What should be so: operator or embedded, server, server=inside, server=outside
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["operator", "embedded", "server", "server=inside", "server=outside"])]
    pub expect: Vec<String>,
    /// Judge only these codes and components
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave out these codes and components; how many findings that silences is told
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Show each check, and the findings that others explain
    #[arg(long)]
    pub all: bool,
}

/// The flags of `system status`.
#[derive(Args, Debug)]
pub struct Status {
    /// Show a recording: a file, a folder, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
}

/// Least severe finding that fails a run.
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

/// The arguments of `record`.
#[derive(Args, Debug)]
pub struct Record {
    /// The file, or - for standard output
    #[arg(default_value = "-")]
    pub file: String,
    /// Overwrite the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Record what `system check --preflight` judges, too
    #[arg(long)]
    pub preflight: bool,
    /// Record what `system check --synthetic` judges, too: makes an object, changes it and removes it
    #[arg(long, conflicts_with = "preflight")]
    pub synthetic: bool,
}

/// The arguments of `watch-list`.
#[derive(Args, Debug)]
pub struct WatchList {
    /// A MeshSync, a ConfigMap or the bare JSON array; - for standard input [default: the cluster's MeshSync]
    pub file: Option<String>,
    /// Print the stock list instead, as a patch for `kubectl patch --type merge --patch-file`
    #[arg(long, conflicts_with = "file")]
    pub stock: bool,
    /// Entries to leave out of the stock list
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "stock")]
    pub without: Vec<String>,
}

/// Commands whose rights can be printed.
#[derive(Debug, Subcommand)]
pub enum Rbac {
    /// The rights of `system check` and `record`
    Check(Subject),
    /// The rights of `system status`
    Status(Subject),
    /// The rights of `system check --preflight`, which are those of installing the stack
    Preflight(Subject),
    /// The rights of `test`, and of `system check --synthetic`
    Test(RbacTest),
    /// The rights of `system redeploy`
    Redeploy(Subject),
    /// The rights of `system reset`
    Reset(RbacReset),
}

/// The arguments of `rbac test`.
#[derive(Args, Debug)]
pub struct RbacTest {
    /// For an object of this kind, in this namespace
    #[command(flatten)]
    pub probe: Probe,
    /// For `--store`, too
    #[arg(long)]
    pub store: bool,
    /// Who is to get them
    #[command(flatten)]
    pub subject: Subject,
}

/// The arguments of `rbac reset`.
#[derive(Args, Debug)]
pub struct RbacReset {
    /// For `--crds`, too
    #[arg(long)]
    pub crds: bool,
    /// For `--delete-namespace`, too
    #[arg(long)]
    pub delete_namespace: bool,
    /// Who is to get them
    #[command(flatten)]
    pub subject: Subject,
}

/// Who is to get the rights; without any flag, whom the cluster takes us for.
#[derive(Args, Debug, Default)]
pub struct Subject {
    /// Bind to this user
    #[arg(long, value_name = "NAME", group = "subject")]
    pub to_user: Option<String>,
    /// Bind to this group
    #[arg(long, value_name = "NAME", group = "subject")]
    pub to_group: Option<String>,
    /// Bind to this ServiceAccount
    #[arg(long, value_name = "NAMESPACE:NAME", group = "subject")]
    pub to_serviceaccount: Option<String>,
}

/// The tag of an image. Anything else would become part of the manifest around it.
fn image_tag(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if (1..=128).contains(&text.len()) && text.chars().all(plain) && !text.starts_with(['.', '-']) {
        Ok(text.to_owned())
    } else {
        Err(
            "an image tag has letters, digits, underscores, dots and hyphens, at most 128, and starts with a letter or digit",
        )
    }
}

/// A registry, `host[:port][/path]`. Anything else would become part of the manifest around it.
fn registry(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '/');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && text.len() <= 255 && text.chars().all(plain) && !text.contains("//") {
        Ok(text.to_owned())
    } else {
        Err("a registry has the form host[:port][/path], without a scheme or user")
    }
}

/// A duration with its unit, as kubectl takes it; 0 stands for a very long time. What is longer than a year is a year:
/// nobody waits that long, and a time that far ahead cannot overflow a clock.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const NONE: Duration = Duration::from_secs(365 * 24 * 3600);
    if text == "0" {
        return Ok(NONE);
    }
    if text.chars().all(|c| c.is_ascii_digit() || c == '.') && !text.is_empty() {
        return Err(format!("a unit is missing: did you mean {text}s?"));
    }
    let signed: SignedDuration = text.parse().map_err(|_| "not a duration such as 500ms, 30s or 1m30s".to_owned())?;
    let duration = Duration::try_from(signed).map_err(|_| "a duration cannot be negative".to_owned())?;
    Ok(if duration.is_zero() { NONE } else { duration.min(NONE) })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn image_options_cannot_change_the_manifest_around_them() {
        for tag in ["1.0.5", "v1", "stable-latest", "_x"] {
            assert_eq!(image_tag(tag).as_deref(), Ok(tag));
        }
        for host in ["registry.example/mirror/", "localhost:5000", "a"] {
            assert_eq!(registry(host).as_deref(), Ok(host));
        }
        for bad in ["", "a\n  b: c", "a b", "a\u{1b}[31m", "\"", "{", "https://h", "u@h"] {
            assert!(image_tag(bad).is_err(), "{bad:?}");
            assert!(registry(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_are_kubectls() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("30").expect_err("a unit").contains("30s"));
        assert!(duration("-1s").is_err());
        assert!(duration("soon").is_err());
        assert!(duration("0").is_ok());
        let year = Duration::from_secs(365 * 24 * 3600);
        for long in ["9223372036854775807s", "2562047788015215h", "9000y", "366d"] {
            if let Ok(duration) = duration(long) {
                assert!(duration <= year, "{long}: {duration:?}");
            }
        }
        assert_eq!(duration("9223372036854775807s"), Ok(year));
    }
}
