//! The command line: clap's definitions and nothing else.

mod change;
mod check;
mod global;
mod manifests;
mod server;
mod test;

pub use change::{Change, Deployable, Installation, Redeploy, Removable, Reset};
pub use check::{Check, FailOn, FixLevel};
pub use global::{Color, Format, Global};
pub use manifests::Manifests;
pub use server::{
    Contexts, ContextsDelete, ContextsList, ContextsPing, ContextsRediscover, ContextsUpload, Mode, Server,
    ServerConfig, ServerMode, ServerReconnect, ServerStatus,
};
use std::time::Duration;
pub use test::{Dataflow, Judged, Network, NetworkProbe, Probe, Repeated, Test};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use k8s_openapi::jiff::SignedDuration;

use crate::cli::candidates;

/// Diagnose Meshery Operator, Broker and MeshSync, and show the fix
#[derive(Debug, Parser)]
#[command(
    name = "meshdoctor",
    version,
    about,
    subcommand_required = true,
    disable_help_flag = true,
    after_help = "Exit codes: 0 no findings, 1 findings, 2 usage error, 3 undetermined, 4 refused,\n\
                  5 stopped partway; 129, 130, 131 and 143 after a signal.\n\
                  meshdoctor contacts only the cluster, its broker, and Meshery Server if one is named\n\
                  or found in the cluster."
)]
pub struct Cli {
    /// The flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program prints when it is called without arguments.
pub const INTRODUCTION: &str = "\
meshdoctor check                  diagnose Meshery Operator, Broker and MeshSync
meshdoctor status                 show states, versions, clients and workloads
meshdoctor test dataflow          prove that events reach the broker
meshdoctor server status          show what Meshery Server knows of the cluster
meshdoctor explain CODE           explain a finding, a check or an error code
meshdoctor system redeploy        deploy the stack, or restore its desired state
meshdoctor system reset stack     remove the stack
meshdoctor record FILE            write a redacted recording
meshdoctor check --from FILE      diagnose a recording

All commands: meshdoctor help     All flags: meshdoctor options";

/// Completes what was typed.
type Completer = fn(&std::ffi::OsStr) -> Vec<CompletionCandidate>;

/// The definitions, with completion of what the kubeconfig and mesheryctl's configuration name.
pub fn command() -> clap::Command {
    let completers: [(&str, Completer); 5] = [
        ("context", candidates::contexts),
        ("cluster", candidates::clusters),
        ("user", candidates::users),
        ("namespace", candidates::namespaces),
        ("meshery_context", candidates::meshery_contexts),
    ];
    completers.into_iter().fold(Cli::command().bin_name(program()), |command, (flag, completer)| {
        command.mut_arg(flag, |argument| argument.add(ArgValueCompleter::new(completer)))
    })
}

/// The name of the call: `kubectl meshdoctor` as a plugin of kubectl, else `meshdoctor`.
pub fn program() -> &'static str {
    let program = std::env::args_os().next().unwrap_or_default();
    let plugin = std::path::Path::new(&program).file_stem().is_some_and(|name| name == "kubectl-meshdoctor");
    if plugin { "kubectl meshdoctor" } else { "meshdoctor" }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Diagnose the stack; show root causes and fixes
    Check(Check),
    /// Show states, versions, clients and workloads
    Status(Status),
    /// Check, show, deploy or remove the stack
    #[command(subcommand)]
    System(System),
    /// Test one connection, or whether events flow from end to end
    #[command(subcommand)]
    Test(Test),
    /// Ask Meshery Server, or change what it stores
    #[command(subcommand)]
    Server(Server),
    /// Write a redacted recording for later diagnosis
    Record(Record),
    /// Validate a watch-list and show what MeshSync does with it
    WatchList(WatchList),
    /// Print the manifests that `system redeploy` applies, or those of a Job that runs `check` in the cluster
    Manifests(Manifests),
    /// Explain a diagnosis, a check, a state or one of Meshery's error codes
    #[command(
        after_help = "Examples:\n  meshdoctor explain meshsync-not-connected\n  meshdoctor explain states\n  meshdoctor explain 1005"
    )]
    Explain {
        /// The code of a finding, the id of a check, an error code from Meshery's logs (1005, meshkit-11118), or "states"
        #[arg(add = ArgValueCompleter::new(candidates::explained))]
        code: String,
    },
    /// List the diagnoses
    #[command(after_help = "Examples:\n  meshdoctor checks\n  meshdoctor checks -o json | jq -r '.[].code'")]
    Checks,
    /// Print the smallest role that a command needs, ready to apply
    #[command(subcommand)]
    Rbac(Rbac),
    /// Try every step to the broker from here, as the pod of `test network` does
    #[command(hide = true)]
    NetworkProbe(NetworkProbe),
    /// List the global flags
    Options,
    /// Print the completion script for a shell
    #[command(
        after_help = "Examples:\n  source <(meshdoctor completion bash)\n  meshdoctor completion zsh > \"${fpath[1]}/_meshdoctor\"\n  meshdoctor completion fish > ~/.config/fish/completions/meshdoctor.fish"
    )]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version,
}

/// Checking, showing and changing the stack.
#[derive(Debug, Subcommand)]
pub enum System {
    /// Diagnose the stack; show root causes and fixes
    Check(Check),
    /// Show states, versions, clients and workloads
    Status(Status),
    /// Deploy the stack or a part of it, or restore the desired state
    Redeploy(Redeploy),
    /// Remove the stack or a part of it, in the right order
    Reset(Reset),
}

/// The flags of `status`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  meshdoctor status\n  meshdoctor status -o wide\n  meshdoctor status --from recording.json"
)]
pub struct Status {
    /// Show a recording: a file, a folder, or - for stdin
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Also look at a registered cluster of Gloo Mesh, through its context; may be repeated
    #[arg(long = "remote-context", value_name = "NAME", add = ArgValueCompleter::new(candidates::contexts))]
    #[arg(conflicts_with_all = ["from"])]
    pub remote_contexts: Vec<String>,
}

/// The arguments of `record`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  meshdoctor record recording.json\n  meshdoctor record - | gzip > recording.json.gz\n  meshdoctor check --from recording.json"
)]
pub struct Record {
    /// The file, or - for stdout [default: stdout, or meshdoctor-CONTEXT-TIME.json if that is a terminal]
    pub file: Option<String>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Also record what `check --preflight` needs
    #[arg(long)]
    pub preflight: bool,
    /// Also record what `check --synthetic` needs: creates, changes and deletes an object
    #[arg(long, conflicts_with = "preflight")]
    pub synthetic: bool,
    /// Also look at a registered cluster of Gloo Mesh, through its context; may be repeated
    #[arg(long = "remote-context", value_name = "NAME", add = ArgValueCompleter::new(candidates::contexts))]
    #[arg(conflicts_with_all = ["preflight", "synthetic"])]
    pub remote_contexts: Vec<String>,
}

/// The arguments of `watch-list`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  meshdoctor watch-list\n  meshdoctor watch-list watch-list.yaml\n  meshdoctor watch-list --stock --without secrets.v1. > watch-list.yaml"
)]
pub struct WatchList {
    /// A MeshSync CR, a ConfigMap, Helm values or a JSON array; - for stdin [default: the cluster's MeshSync CR]
    pub file: Option<String>,
    /// Print the stock watch-list as a patch for `kubectl patch --type merge --patch-file`
    #[arg(long, conflicts_with = "file")]
    pub stock: bool,
    /// Entries to leave out of the stock watch-list
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "stock")]
    pub without: Vec<String>,
}

/// Commands whose permissions can be printed.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  meshdoctor rbac check --to-user jane | kubectl apply -f -\n  meshdoctor rbac redeploy --to-serviceaccount ci:deployer"
)]
pub enum Rbac {
    /// Permissions for `check` and `record`
    Check(Subject),
    /// Permissions for `status`
    Status(Subject),
    /// Permissions for `check --preflight`, including those for an installation
    Preflight(Subject),
    /// Permissions for `test` and `check --synthetic`
    Test(RbacTest),
    /// Permissions for `system redeploy`
    Redeploy(Subject),
    /// Permissions for `system reset`
    Reset(RbacReset),
    /// Permissions in the cluster for `server`, `system reset data` and `system reset database`
    Server(Subject),
}

/// The arguments of `rbac test`.
#[derive(Args, Debug)]
pub struct RbacTest {
    /// The kind and namespace of the test object
    #[command(flatten)]
    pub probe: Probe,
    /// Include the permissions of `--store`
    #[arg(long)]
    pub store: bool,
    /// Permissions for `test network` instead, which creates a pod
    #[arg(long, conflicts_with_all = ["kind", "probe_namespace", "store"])]
    pub network: bool,
    /// Who gets the permissions
    #[command(flatten)]
    pub subject: Subject,
}

/// The arguments of `rbac reset`.
#[derive(Args, Debug)]
pub struct RbacReset {
    /// Include the permissions of `--crds`
    #[arg(long)]
    pub crds: bool,
    /// Include the permissions of `--delete-namespace`
    #[arg(long)]
    pub delete_namespace: bool,
    /// Who gets the permissions
    #[command(flatten)]
    pub subject: Subject,
}

/// Who gets the permissions; without any flag, the authenticated user.
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

/// An image, `[registry/]path[:tag][@digest]`.
fn image(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '/' | '@');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let whole = ends(text.chars().next()) && ends(text.chars().last());
    if whole && text.len() <= 512 && text.chars().all(plain) && !text.contains("//") {
        Ok(text.to_owned())
    } else {
        Err("an image has the form [registry/]path[:tag], without a scheme")
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

/// The name of a Helm release.
fn release(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() <= 53 && text.chars().all(plain) && ends(text.chars().next()) && ends(text.chars().last()) {
        Ok(text.to_owned())
    } else {
        Err(
            "a release name has lowercase letters, digits, hyphens and dots, at most 53, and starts and ends with a letter or digit",
        )
    }
}

/// A duration with its unit, as in kubectl; 0 means no limit. Longer than a year counts as a year, so that no deadline
/// overflows a clock.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const NONE: Duration = Duration::from_secs(365 * 24 * 3600);
    if text == "0" {
        return Ok(NONE);
    }
    if text.chars().all(|c| c.is_ascii_digit() || c == '.') && !text.is_empty() {
        return Err(format!("the unit is missing: did you mean {text}s?"));
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
    fn definitions_are_valid() {
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
    fn durations_are_parsed_as_in_kubectl() {
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
