//! Arguments of the commands that change something.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{duration, image_tag, registry};
use crate::cluster::kubeconfig::namespace;

/// The arguments of `system redeploy`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Redeploy {
    /// What to deploy
    #[arg(value_enum, default_value_t = Deployable::All)]
    pub what: Deployable,
    /// What the stack is to be like
    #[command(flatten)]
    pub options: Installation,
    /// Bring existing custom resources to what is asked for, too; otherwise they stay as they are
    #[arg(long)]
    pub overwrite_crs: bool,
    /// Restore the specifications of the custom resources in this file, which `system reset` wrote; custom resources
    /// that are not in it stay as they are
    #[arg(long, value_name = "FILE", conflicts_with_all = ["watch_list", "broker_size", "broker_service_type"])]
    pub from_backup: Option<String>,
    /// Namespace in the backup to restore from; needed with --yes if it is not the stack's
    #[arg(long, value_name = "NAME", value_parser = namespace, requires = "from_backup")]
    pub backup_namespace: Option<String>,
    /// Have the operator make a new token for the broker
    #[arg(long)]
    pub new_token: bool,
    /// Take fields from whatever tool manages them
    #[arg(long)]
    pub force_conflicts: bool,
    /// Take over what Helm, Argo CD or Flux manages
    #[arg(long)]
    pub take_over: bool,
    /// Do not wait for MeshSync to be connected
    #[arg(long)]
    pub no_wait: bool,
    /// How to go about it
    #[command(flatten)]
    pub change: Change,
}

/// What a stack is to be like.
#[derive(Args, Debug, Default)]
pub struct Installation {
    /// Version of the operator [default: the newest that this program knows]
    #[arg(long, value_name = "VERSION", value_parser = image_tag)]
    pub operator_version: Option<String>,
    /// Registry, with or without a path, that the images are taken from
    #[arg(long, value_name = "REGISTRY", value_parser = registry)]
    pub image_registry: Option<String>,
    /// Type of the broker's Service: ClusterIP, NodePort or LoadBalancer
    #[arg(long, value_name = "TYPE", value_parser = ["ClusterIP", "NodePort", "LoadBalancer"])]
    pub broker_service_type: Option<String>,
    /// How many broker servers; they do not share messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub broker_size: Option<u8>,
    /// The watch-list for MeshSync: a MeshSync, a ConfigMap or the bare JSON array [default: the stock list]
    #[arg(long, value_name = "FILE")]
    pub watch_list: Option<String>,
    /// Let MeshSync read every kind, not only those of its watch-list
    #[arg(long)]
    pub watch_everything: bool,
}

/// What can be deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deployable {
    /// Operator, Broker and MeshSync
    All,
    /// The operator, its rights and its account
    Operator,
    /// The Broker; one that is there is restarted
    Broker,
    /// MeshSync and the role that lets it read
    Meshsync,
}

/// The arguments of `system reset`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Reset {
    /// What to remove
    #[arg(value_enum)]
    pub what: Removable,
    /// Remove the operator although its custom resources stay
    #[arg(long)]
    pub keep_crs: bool,
    /// Take away the finalizers of custom resources where no operator is left to act on them
    #[arg(long)]
    pub clear_finalizers: bool,
    /// Remove the custom resource definitions as well, and with them such resources in every namespace
    #[arg(long)]
    pub crds: bool,
    /// Remove the namespace as well, and with it all that is in it
    #[arg(long)]
    pub delete_namespace: bool,
    /// Where to keep a copy of what is removed, with the credentials in custom resources; only its owner may read it
    /// [default: a file in the working directory]
    #[arg(long, value_name = "FILE", value_parser = backup_file(), conflicts_with = "no_backup")]
    pub backup: Option<PathBuf>,
    /// Keep no copy of what is removed
    #[arg(long)]
    pub no_backup: bool,
    /// How to go about it
    #[command(flatten)]
    pub change: Change,
}

/// A file for a copy. Standard output holds the result of the command.
fn backup_file() -> impl clap::builder::TypedValueParser<Value = PathBuf> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PathBufValueParser::new().try_map(|file| {
        if file.as_os_str() == "-" { Err("standard output holds the result; name a file") } else { Ok(file) }
    })
}

/// The flags of every command that changes the cluster.
#[derive(Args, Debug)]
pub struct Change {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Longest wait for a single thing to come or go
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub wait: Duration,
}

/// What can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Removable {
    /// Everything but definitions and namespace
    Stack,
    /// The operator, its rights and its account
    Operator,
    /// The Broker and what was made of it
    Broker,
    /// MeshSync and what was made of it
    Meshsync,
}
