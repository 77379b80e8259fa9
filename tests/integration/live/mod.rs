//! The program against a real control plane and real NATS servers.

mod access;
mod broker;
mod connect_proxy;
mod environment;
mod false_alarms;
mod installation;
mod listing;
mod login;
mod logs;
mod modes;
mod nats;
mod policies;
mod preflight;
mod redeploy;
mod reset;
mod resources;
mod rights;
mod sitting;
mod situations;
mod test;
mod test_parts;
mod watch_list;

use serde_json::Value;

use crate::{
    bed::Cluster,
    tool::{Ran, Tool, meshdoctor},
};

/// The program, pointed at a cluster and a namespace.
fn at(cluster: &Cluster, namespace: &str, arguments: &str) -> Tool {
    meshdoctor(arguments).kubeconfig(&cluster.kubeconfig()).arg("-n").arg(namespace)
}

/// `system check -o json`, with its document.
async fn check(cluster: &Cluster, namespace: &str) -> Value {
    let ran: Ran = at(cluster, namespace, "system check -o json").run_beside().await;
    let report = ran.json();
    assert_eq!(report["exitCode"], ran.code);
    report
}

/// The code of every finding.
fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect()
}
