//! Arguments of the commands that change something.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{duration, image_tag, registry, release};
use crate::cluster::kubeconfig::namespace;

/// The arguments of `system redeploy`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor system redeploy --dry-run         show the plan
  meshdoctor system redeploy                   deploy or repair the whole stack
  meshdoctor system redeploy meshsync          repair or restart MeshSync
  meshdoctor system redeploy --from-backup F   restore the custom resources of a backup

Exit code 1: there is nothing to change, but the stack is unhealthy.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Redeploy {
    /// The part to deploy
    #[arg(value_enum, default_value_t = Deployable::All)]
    pub what: Deployable,
    /// The desired stack
    #[command(flatten)]
    pub options: Installation,
    /// Overwrite the spec of existing custom resources
    #[arg(long)]
    pub overwrite_crs: bool,
    /// Restore the specs of custom resources from a backup written by `system reset`; others stay unchanged
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "watch_list", "broker_size", "broker_service_type", "broker_url", "meshsync_version", "standalone",
    ])]
    pub from_backup: Option<String>,
    /// Namespace in the backup to restore from; required with --yes if it is not the stack's
    #[arg(long, value_name = "NAME", value_parser = namespace, requires = "from_backup")]
    pub backup_namespace: Option<String>,
    /// Generate a new broker token
    #[arg(long, conflicts_with = "broker_url")]
    pub new_token: bool,
    /// Overwrite fields owned by other managers
    #[arg(long)]
    pub force_conflicts: bool,
    /// Take over objects managed by Helm, Argo CD or Flux
    #[arg(long, conflicts_with = "helm_release")]
    pub take_over: bool,
    /// Do not wait until MeshSync is connected
    #[arg(long)]
    pub no_wait: bool,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// The desired stack.
#[derive(Args, Debug, Default)]
pub struct Installation {
    /// Operator version [default: the newest known one]
    #[arg(long, value_name = "VERSION", value_parser = image_tag)]
    pub operator_version: Option<String>,
    /// MeshSync version [default: chosen by the operator]
    #[arg(long, value_name = "VERSION", value_parser = image_tag)]
    pub meshsync_version: Option<String>,
    /// Registry of the images, with an optional path
    #[arg(long, value_name = "REGISTRY", value_parser = registry)]
    pub image_registry: Option<String>,
    /// Type of the broker's Service: ClusterIP, NodePort or LoadBalancer
    #[arg(long, value_name = "TYPE", value_parser = ["ClusterIP", "NodePort", "LoadBalancer"])]
    pub broker_service_type: Option<String>,
    /// Number of broker servers; they are not clustered
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub broker_size: Option<u8>,
    /// NATS server for MeshSync instead of a broker in the cluster, without a token: nats://HOST:PORT
    #[arg(long, value_name = "URL", conflicts_with_all = ["broker_service_type", "broker_size"])]
    pub broker_url: Option<String>,
    /// File with the token for --broker-url, or - for stdin; MeshSync's configuration contains it in plain text
    #[arg(long, value_name = "FILE", requires = "broker_url")]
    pub broker_token_file: Option<String>,
    /// Add a NetworkPolicy: only MeshSync, Meshery Server and meshdoctor in the namespace can connect to the broker
    #[arg(long, conflicts_with = "broker_url")]
    pub network_policy: bool,
    /// Deploy MeshSync alone, without operator and custom resources; it publishes to --broker-url
    #[arg(long, requires = "broker_url", conflicts_with_all = ["operator_version", "watch_list"])]
    pub standalone: bool,
    /// Namespaces whose objects a standalone MeshSync publishes [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = namespace, requires = "standalone")]
    pub output_namespaces: Vec<String>,
    /// Helm release that can adopt the objects later with `helm upgrade --install`
    #[arg(long, value_name = "NAME", value_parser = release, conflicts_with = "standalone")]
    pub helm_release: Option<String>,
    /// MeshSync's watch-list: a MeshSync CR, a ConfigMap, Helm values or a JSON array [default: the stock watch-list]
    #[arg(long, value_name = "FILE")]
    pub watch_list: Option<String>,
    /// Grant MeshSync read access to every kind, not only to those of its watch-list
    #[arg(long)]
    pub watch_everything: bool,
}

/// The parts that can be deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deployable {
    /// Operator, Broker and MeshSync
    All,
    /// The operator, its RBAC and its ServiceAccount
    Operator,
    /// The Broker; an existing one is restarted
    Broker,
    /// MeshSync and its reader role
    Meshsync,
}

/// The arguments of `system reset`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshdoctor system reset stack --dry-run        show the plan
  meshdoctor system reset stack                  remove operator, broker and MeshSync
  meshdoctor system reset stack --crds           remove the CRDs too
  meshdoctor system reset meshsync               remove MeshSync only
  meshdoctor system reset data                   empty what Meshery Server stores of this cluster
  meshdoctor system reset database               empty Meshery Server's database, for all its users")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Reset {
    /// The part to remove, or what to empty in Meshery Server
    #[arg(value_enum)]
    pub what: Removable,
    /// Remove the operator and keep its custom resources
    #[arg(long)]
    pub keep_crs: bool,
    /// Clear the finalizers of custom resources if no operator is left to do it
    #[arg(long)]
    pub clear_finalizers: bool,
    /// Remove objects managed by Helm, Argo CD or Flux too, and Helm's release records
    #[arg(long)]
    pub take_over: bool,
    /// Also remove the CRDs, and with them their custom resources in every namespace
    #[arg(long)]
    pub crds: bool,
    /// Also remove the namespace and everything in it
    #[arg(long)]
    pub delete_namespace: bool,
    /// Backup file of the removed objects, including credentials in custom resources; readable by its owner only
    /// [default: a file in the working directory]
    #[arg(long, value_name = "FILE", value_parser = backup_file(), conflicts_with = "no_backup")]
    pub backup: Option<PathBuf>,
    /// Write no backup
    #[arg(long)]
    pub no_backup: bool,
    /// Confirm the reset of the database without a question: the server's host name, or CONTEXT/NAMESPACE
    #[arg(long, value_name = "VALUE")]
    pub confirm: Option<String>,
    /// Plan and confirmation
    #[command(flatten)]
    pub change: Change,
}

/// A backup file. Standard output holds the result of the command.
fn backup_file() -> impl clap::builder::TypedValueParser<Value = PathBuf> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PathBufValueParser::new()
        .try_map(|file| if file.as_os_str() == "-" { Err("stdout holds the result; name a file") } else { Ok(file) })
}

/// The flags of every command that changes the cluster.
#[derive(Args, Debug)]
pub struct Change {
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
    /// Skip the confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Timeout for each resource
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub wait: Duration,
}

/// The parts that can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Removable {
    /// Everything except CRDs and namespace
    Stack,
    /// The operator, its RBAC and its ServiceAccount
    Operator,
    /// The Broker CR and its workload
    Broker,
    /// The MeshSync CR and its workload
    Meshsync,
    /// What Meshery Server stores of this cluster; it is received again
    Data,
    /// Every table of Meshery Server's database, for all its users and clusters
    Database,
}
