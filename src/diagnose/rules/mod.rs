//! The rules, one file per diagnosis, in the folder of its component.
//!
//! The file name is the code without the component: `broker-token-missing` is in `broker/token_missing.rs`. A code that
//! does not start with a component is in the folder of the component that it is about. Diagnoses that every workload
//! can have are in `workload/`, and those of Service Mesh Hub, whose codes start with `smh`, are in `hub/`.

pub(crate) mod adapter;
pub(crate) mod broker;
pub(crate) mod cluster;
pub(crate) mod custom_resources;
pub(crate) mod hub;
pub(crate) mod installation;
pub(crate) mod meshsync;
pub(crate) mod operator;
pub(crate) mod part_test;
pub(crate) mod preflight;
pub(crate) mod references;
pub(crate) mod server;
mod server_commands;
pub(crate) mod workload;

use super::{Check, Diagnosis, Judgement, RuleContext};
use crate::{
    facts::Facts,
    stack::{
        component::Component,
        profile::{self, Profile},
    },
};

/// Imports that every rule needs.
pub(crate) mod prelude {
    pub(crate) use super::{
        broker::servers::{asked_servers, server_name},
        cluster::unreachable::CHECK as API_REACHABLE,
        installation::not_installed::CHECK as INSTALLED,
    };
    pub(crate) use crate::{
        diagnose::{
            CLOCK_SKEW, Check, Diagnosis, Draft, Judgement, Outcome, RuleContext, Undecided,
            diagnosis::{Cure, because},
            known_unless, log_excerpt,
            remedy::other,
            rollout,
            stack_view::cluster_object,
        },
        facts::{BrokerServer, stack},
        report::{Action, Command, Effect, Finding, Kind, ObjectRef, ServerChange, Severity},
        stack::{
            base::seen::Seen,
            component::Component,
            object::{self, Id},
            profile,
        },
    };
    pub(crate) use serde_json::json;
}

/// The prerequisite of most checks.
static WHERE_INSTALLED: [&Check; 1] = [&prelude::INSTALLED];

impl Check {
    /// Defaults of most checks: the component is that of the first diagnosis, and the stack must be installed.
    pub(crate) const fn of(finds: &'static [&'static Diagnosis], judge: fn(&RuleContext<'_>) -> Judgement) -> Self {
        let component = match finds[0].component {
            Some(component) => component,
            None => Component::Cluster,
        };
        Self { id: "", component, title: "", finds, after: &WHERE_INSTALLED, judge }
    }
}

/// The checks of a component test.
static OF_PART_TESTS: &[&Check] = &[
    &operator::no_leader::OPERATOR_RENEWS,
    &broker::not_delivering::CHECK,
    &broker::network_probe_not_run::CHECK,
    &broker::network_path_broken::CHECK,
    &meshsync::no_answer::CHECK,
];

/// The checks of the synthetic test.
static OF_THE_FLOW: &[&Check] = &[
    &meshsync::flow_write_refused::CHECK,
    &meshsync::flow_event_missing::CHECK,
    &meshsync::duplicated::FLOW_ONCE,
    &meshsync::flow_wrong_cluster_id::CHECK,
    &meshsync::flow_slow::CHECK,
    &meshsync::flow_store_incomplete::CHECK,
    &meshsync::flow_probe_leftover::CHECK,
    &server::not_storing::CHECK,
];

/// The checks that only a preflight has.
static OF_PREFLIGHT: &[&Check] = &[
    &cluster::install_permission_missing::CHECK,
    &cluster::privilege_escalation::CHECK,
    &cluster::node_capacity::CHECK,
    &installation::stack_in_other_namespace::CHECK,
    &installation::install_rejected::TAKES_NAMESPACE,
    &installation::install_rejected::TAKES_DEFINITIONS,
    &installation::install_rejected::TAKES_ACCOUNT,
    &installation::install_rejected::TAKES_ROLES,
    &installation::install_rejected::TAKES_OPERATOR,
    &installation::install_rejected::TAKES_RESOURCES,
    &installation::pod_security_blocks::CHECK,
    &installation::install_rejected::TAKES_PODS,
    &broker::network_policy_blocks::NETWORK_FREE,
];

/// Cluster checks that a preflight makes too: leftovers of an earlier installation, and objects that are terminating.
static SHARED_WITH_PREFLIGHT: &[&Check] = &[
    &cluster::unreachable::CHECK,
    &cluster::kubernetes_too_old::CHECK,
    &installation::namespace_terminating::CHECK,
    &installation::crd_not_established::CHECK,
    &installation::old_crd_group::CHECK,
    &installation::conversion_webhook_down::CHECK,
    &installation::orphaned_workloads::CHECK,
    &cluster::leftovers::CHECK,
    &installation::foreign_owner::CHECK,
    &installation::helm_release_stuck::CHECK,
    &operator::cr_stuck_terminating::CHECK,
];

/// The checks that judge a watch-list before it is applied, from its contents alone.
pub(super) static OF_THE_WATCH_LIST: &[&Check] = &[
    &meshsync::watch_list_invalid::CHECK,
    &meshsync::watch_list_matches_nothing::CHECK,
    &meshsync::watch_list_one_group::CHECK,
    &meshsync::watch_list_no_events::CHECK,
];

/// Codes of these checks that do not prevent an installation.
pub(super) const NO_BAR: &[&str] = &["orphaned-workloads", "helm-release-stuck"];

/// Every diagnosis, in the order of the data path.
pub(super) fn diagnoses() -> impl Iterator<Item = &'static Diagnosis> {
    [
        cluster::DIAGNOSES,
        installation::DIAGNOSES,
        workload::DIAGNOSES,
        operator::DIAGNOSES,
        broker::DIAGNOSES,
        meshsync::DIAGNOSES,
        server::DIAGNOSES,
        adapter::DIAGNOSES,
        hub::DIAGNOSES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Every check of a cluster, in the order in which checks are shown.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    [
        cluster::CHECKS,
        installation::CHECKS,
        operator::CHECKS,
        broker::CHECKS,
        meshsync::CHECKS,
        workload::SERVER_CHECKS,
        server::CHECKS,
        adapter::CHECKS,
        hub::CHECKS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Whether a check is shown for a profile. Service Mesh Hub has few checks in common with the others.
fn is_shown(check: &Check, profile: &Profile) -> bool {
    if profile.is_hub() { check.is_of(profile) } else { profile::WITH_MESHSYNC.iter().any(|other| check.is_of(other)) }
}

/// Whether a check is about what a server answers, and not about its pods.
fn asks_server(check: &Check) -> bool {
    [server::CHECKS, adapter::CHECKS].into_iter().flatten().any(|other| other.id == check.id)
}

/// The checks for these facts: those of a cluster, and those of the test if there was one.
pub(super) fn of(facts: &Facts) -> impl Iterator<Item = &'static Check> {
    let test = facts.test.as_ref();
    let parts = test.is_some_and(|test| test.flow.is_none());
    let flow = test.is_some_and(|test| test.flow.is_some());
    let through_server = test.and_then(|test| test.flow.as_ref()).is_some_and(|flow| flow.through_server);
    let network = test.is_some_and(|test| test.network.is_some());
    let left = network.then_some(&meshsync::flow_probe_leftover::CHECK);
    let parts = OF_PART_TESTS.iter().copied().filter(move |_| parts).chain(left);
    let asked = facts.server.is_some();
    let cluster = all().filter(|check| is_shown(check, facts.profile) && (asked || !asks_server(check)));
    let stored = server::not_storing::CHECK.id;
    let flow = OF_THE_FLOW.iter().copied().filter(move |check| flow && (through_server || check.id != stored));
    let mut checks: Vec<_> = cluster.chain(parts).chain(flow).collect();
    // Each heading appears once, and the order under it is kept.
    let order: Vec<_> = checks.iter().map(|check| check.category()).collect();
    checks.sort_by_key(|check| {
        let category = check.category();
        order.iter().position(|other| *other == category)
    });
    checks.into_iter()
}

/// The checks of a preflight, by category.
pub(super) fn of_preflight() -> Vec<&'static Check> {
    let shared = |check: &&Check| SHARED_WITH_PREFLIGHT.iter().any(|it| it.id == check.id);
    let mut checks: Vec<&Check> = all().filter(shared).chain(OF_PREFLIGHT.iter().copied()).collect();
    // What is installed comes before what is left over.
    let first = installation::stack_in_other_namespace::CHECK.id;
    checks.sort_by_key(|check| (check.category(), check.id != first));
    checks
}

/// Every check, of a cluster, a test or a preflight.
pub(super) fn every() -> impl Iterator<Item = &'static Check> {
    let others = [OF_PART_TESTS, OF_THE_FLOW, OF_PREFLIGHT];
    all().chain(others.into_iter().flatten().copied())
}

#[cfg(test)]
mod tests;
