//! The policies of Service Mesh Hub as tables.

use super::{tables::table, text::Page};
use crate::report::{PoliciesReport, PolicyReport, TargetOfPolicies};

/// Every policy with its state and its targets, and every service with the policies that apply to it.
pub(crate) fn policies(page: &mut Page<'_>, report: &PoliciesReport) {
    let look = page.look;
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
