//! Meshery Server: whether it answers, what it knows of this cluster, what it does there, and the state of its data.
//!
//! These checks exist only if a server was named or found.

pub(crate) mod broker_unreachable;
pub(crate) mod cannot_deploy_operator;
pub(crate) mod cannot_reach_cluster;
pub(crate) mod connection_missing;
pub(crate) mod connection_stale;
pub(crate) mod database_corrupt;
pub(crate) mod database_empty;
pub(crate) mod database_reset_orphaned_contexts;
pub(crate) mod database_stale;
pub(crate) mod kubeconfig_invalid;
pub(crate) mod mode_embedded;
pub(crate) mod not_logged_in;
pub(crate) mod not_storing;
pub(crate) mod operator_deploy_failed;
pub(crate) mod operator_forbidden;
pub(crate) mod outdated;
pub(crate) mod override_not_applied;
mod ping;
pub(crate) mod unreachable;
pub(crate) mod view_differs;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &unreachable::DIAGNOSIS,
    &not_logged_in::DIAGNOSIS,
    &outdated::DIAGNOSIS,
    &database_corrupt::DIAGNOSIS,
    &database_reset_orphaned_contexts::DIAGNOSIS,
    &connection_missing::DIAGNOSIS,
    &connection_stale::DIAGNOSIS,
    &kubeconfig_invalid::DIAGNOSIS,
    &cannot_reach_cluster::DIAGNOSIS,
    &mode_embedded::DIAGNOSIS,
    &operator_forbidden::DIAGNOSIS,
    &cannot_deploy_operator::DIAGNOSIS,
    &operator_deploy_failed::DIAGNOSIS,
    &broker_unreachable::DIAGNOSIS,
    &view_differs::DIAGNOSIS,
    &override_not_applied::DIAGNOSIS,
    &database_empty::DIAGNOSIS,
    &database_stale::DIAGNOSIS,
    &not_storing::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &unreachable::CHECK,
    &not_logged_in::CHECK,
    &outdated::CHECK,
    &database_corrupt::CHECK,
    &database_reset_orphaned_contexts::CHECK,
    &connection_missing::CHECK,
    &connection_stale::CHECK,
    &kubeconfig_invalid::CHECK,
    &cannot_reach_cluster::CHECK,
    &mode_embedded::CHECK,
    &operator_forbidden::CHECK,
    &cannot_deploy_operator::CHECK,
    &operator_deploy_failed::CHECK,
    &broker_unreachable::CHECK,
    &view_differs::CHECK,
    &override_not_applied::CHECK,
    &database_empty::CHECK,
    &database_stale::CHECK,
];

impl Check {
    /// Defaults of checks of what the server answers, which do not need the stack to be installed.
    pub(super) const fn of_server(
        finds: &'static [&'static Diagnosis],
        judge: fn(&RuleContext<'_>) -> Judgement,
    ) -> Self {
        Self { after: &[], ..Self::of(finds, judge) }
    }
}

/// A warning if the server was named, information if it was only found.
fn severity(context: &RuleContext<'_>) -> Severity {
    if context.server_is_named() { Severity::Warning } else { Severity::Info }
}
