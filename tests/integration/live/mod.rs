//! The program with a real control plane and real NATS servers.

mod access;
mod bed_program;
mod broker;
mod connect_proxy;
mod false_alarms;
mod fix;
mod gloo_mesh_controllers;
mod in_cluster;
mod installation;
mod listing;
mod login;
mod logs;
mod meshery_server;
mod meshplay_faults;
mod modes;
mod nats;
mod network_policies;
mod nodes;
mod permissions;
mod preflight;
mod pty_session;
mod redeploy;
mod remote_contexts;
mod reset;
mod restarts;
mod served_versions;
mod server_contexts;
mod server_fix;
mod server_reconnect;
mod server_reset;
mod service_mesh_hub;
mod situations;
mod stacks;
mod stale_environment;
mod test;
mod test_components;
mod watch_list;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::{
    bed::{self, Cluster},
    schema,
    tool::{Ran, Tool, meshdoctor},
};

/// The program with the kubeconfig of a cluster and a namespace.
fn at(cluster: &Cluster, namespace: &str, arguments: &str) -> Tool {
    meshdoctor(arguments).kubeconfig(&cluster.kubeconfig()).arg("-n").arg(namespace)
}

/// The document of `system check -o json`.
async fn check(cluster: &Cluster, namespace: &str) -> Value {
    let ran: Ran = at(cluster, namespace, "system check -o json").run_beside().await;
    let report = ran.json();
    assert_eq!(report["exitCode"], ran.code);
    report
}

/// A report or a list of reports that fits the schema and contains the exit code.
#[track_caller]
fn document(ran: &Ran) -> Value {
    let document = ran.json();
    schema::assert_fits(schema::validator(), &document, &ran.stderr);
    assert_eq!(document["exitCode"], ran.code, "{}", ran.stderr);
    document
}

/// [`bed::until`] with a longer pause, for a poll that checks: a check makes about forty requests.
async fn until_checked<T, F>(what: &str, limit: Duration, poll: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    bed::until_every(Duration::from_millis(300), what, limit, poll).await
}

/// Fails unless these are the root causes of a Meshplay stack that works, besides those that no remedy ends: its broker has
/// no token, its images have no releases, and the bed has no load balancer.
#[track_caller]
fn assert_well_meshplay(report: &Value, others: &[&str]) {
    let mut expected = [&["broker-unauthenticated", "moving-tag", "broker-external-pending"], others].concat();
    expected.sort_unstable();
    let mut roots = crate::tool::roots(report);
    roots.sort_unstable();
    assert_eq!(roots, expected, "{report:#}");
}

/// The code of every finding.
fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect()
}
