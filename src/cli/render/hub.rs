//! The clusters and policies of Service Mesh Hub as tables.

use super::{tables::table, text::Page};
use crate::report::{ClusterReport, HubComponents, PolicyReport, TargetOfPolicies};

/// The registered clusters, every policy with its state and its targets, and every service with the policies that apply
/// to it.
pub(crate) fn tables(page: &mut Page<'_>, components: &HubComponents) {
    let look = page.look;
    let report = &components.policies;
    if !components.clusters.is_empty() {
        page.blank();
        let rows: Vec<Vec<String>> = components.clusters.iter().map(cluster).collect();
        page.raw(&table(&["cluster", "context", "agent", "meshes"], &rows, look));
    }
    if !report.objects.is_empty() {
        page.blank();
        let rows: Vec<Vec<String>> = report.objects.iter().map(policy).collect();
        page.raw(&table(&["policy", "namespace", "state", "observed", "targets"], &rows, look));
    }
    if !report.targets.is_empty() {
        page.blank();
        let rows: Vec<Vec<String>> = report.targets.iter().map(target).collect();
        page.raw(&table(&["service", "cluster", "policies", "federated as"], &rows, look));
    }
}

fn cluster(cluster: &ClusterReport) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let agent = cluster.agent.as_ref().map_or_else(|| "-".into(), |agent| agent.state.to_string());
    let meshes = if cluster.meshes.is_empty() { "<none>".to_owned() } else { cluster.meshes.join(", ") };
    vec![or_dash(&cluster.name), or_dash(&cluster.context), agent, meshes]
}

fn policy(policy: &PolicyReport) -> Vec<String> {
    let observed =
        policy.observed_generation.map_or_else(|| "-".into(), |observed| format!("{observed}/{}", policy.generation));
    let targets = policy.targets.max(policy.meshes).to_string();
    vec![
        format!("{}/{}", policy.kind, policy.name),
        policy.namespace.clone(),
        policy.state.to_string(),
        observed,
        targets,
    ]
}

fn target(target: &TargetOfPolicies) -> Vec<String> {
    let policies: Vec<&str> =
        target.traffic_policies.iter().chain(&target.access_policies).map(String::as_str).collect();
    let policies = if policies.is_empty() { "<none>".to_owned() } else { policies.join(", ") };
    let hostname = target.federated_hostname.clone().unwrap_or_else(|| "-".into());
    vec![target.service.clone(), target.cluster.clone(), policies, hostname]
}
