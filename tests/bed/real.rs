//! The real operator and MeshSync, used if the environment names their binaries.

use std::path::PathBuf;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::json;

use super::cluster::Cluster;
use super::network;
use super::process::Process;
use super::rest;

/// The path of the operator's binary, if it is set.
pub fn operator() -> Option<PathBuf> {
    std::env::var_os("MESHERY_OPERATOR_BIN").map(PathBuf::from)
}

/// The path of MeshSync's binary, if it is set.
pub fn meshsync() -> Option<PathBuf> {
    std::env::var_os("MESHSYNC_BIN").map(PathBuf::from)
}

/// Starts the operator with the permissions of its ServiceAccount.
pub async fn start_operator(cluster: &Cluster, client: &Client, namespace: &str, binary: PathBuf) -> Result<Process> {
    let kubeconfig = service_account_kubeconfig(cluster, client, namespace, "meshery").await?;
    let [metrics, health] = network::free_ports()?;
    let args = [
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--namespace={namespace}"),
        "--enable-leader-election".to_owned(),
        format!("--metrics-addr=127.0.0.1:{metrics}"),
        format!("--health-probe-bind-address=127.0.0.1:{health}"),
    ];
    let log = cluster.file(&format!("meshery-operator-{namespace}.log"));
    Process::start("meshery-operator", &log, &binary, &args, &[("ENABLE_WEBHOOKS", "false".to_owned())])
}

/// Starts MeshSync with the permissions of its ServiceAccount. It listens on port 11000, so a machine can run only one.
pub async fn start_meshsync(
    cluster: &Cluster,
    client: &Client,
    namespace: &str,
    binary: PathBuf,
    broker_url: String,
) -> Result<Process> {
    let kubeconfig = service_account_kubeconfig(cluster, client, namespace, "meshery").await?;
    let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("BROKER_URL", broker_url)];
    let log = cluster.file(&format!("meshsync-{namespace}.log"));
    Process::start("meshsync", &log, &binary, &[], &env)
}

/// A kubeconfig with the permissions of the stack's ServiceAccount, which the operator and MeshSync share.
pub(super) async fn service_account_kubeconfig(
    cluster: &Cluster,
    client: &Client,
    namespace: &str,
    prefix: &str,
) -> Result<PathBuf> {
    account_kubeconfig(cluster, client, namespace, &format!("{prefix}-operator")).await
}

/// A kubeconfig with the permissions of a ServiceAccount.
pub async fn account_kubeconfig(cluster: &Cluster, client: &Client, namespace: &str, name: &str) -> Result<PathBuf> {
    let path = format!("{}/token", rest::path("v1", "ServiceAccount", namespace, name));
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400},
    });
    let answer = rest::post(client, &path, &request).await?;
    let token = answer["status"]["token"].as_str().context("no token for the ServiceAccount")?;
    cluster.kubeconfig_with_token(&format!("{name}-{namespace}"), token)
}
