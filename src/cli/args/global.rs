//! The flags of every command. Most are listed by `meshdoctor options` and left out of each command's help.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::duration;
use crate::{
    cluster::{kubeconfig::Access, server_access::ServerAccess},
    stack::profile::{self, Profile},
};

/// The flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global flags (all: meshdoctor options)")]
pub struct Global {
    /// Which cluster and namespace, and as whom.
    #[command(flatten)]
    pub access: Access,
    /// Which Meshery Server.
    #[command(flatten)]
    pub server: ServerAccess,
    /// Timeout of a single request; 0 for none
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = duration, hide = true)]
    pub request_timeout: Duration,
    /// Product to look for; by default every one in the cluster
    #[arg(long, global = true, value_name = "NAME", value_parser = PROFILES, hide = true)]
    pub profile: Option<String>,

    /// Output format
    #[arg(short, long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// Timeout of the whole run; 0 for none
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration, hide = true)]
    pub timeout: Duration,
    /// Log API requests with timings to stderr
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print only the verdict, in one line
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// When to use color
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, env = "MESHDOCTOR_COLOR", hide = true)]
    pub color: Color,
    /// Never prompt
    #[arg(long, global = true, hide = true)]
    pub no_input: bool,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

/// The names of the profiles.
const PROFILES: [&str; 3] = [profile::MESHERY.name, profile::MESHPLAY.name, profile::SERVICE_MESH_HUB.name];

impl Global {
    /// The namespace of the stack.
    pub(crate) fn namespace<'a>(&'a self, profile: &'a Profile) -> &'a str {
        self.access.namespace.as_deref().unwrap_or(profile.namespace)
    }
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Table,
    /// The same with more columns
    Wide,
    /// JSON document
    Json,
    /// The same document as YAML
    Yaml,
}

/// When to use color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
