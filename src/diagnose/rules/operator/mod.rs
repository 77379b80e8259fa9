//! The operator and the custom resources that it reconciles.

pub(crate) mod cr_failed;
pub(crate) mod cr_missing;
pub(crate) mod cr_not_observed;
pub(crate) mod cr_stuck_terminating;
pub(crate) mod cr_unexpected_name;
pub(crate) mod manager;
pub(crate) mod mismatched_manifest;
pub(crate) mod missing;
pub(crate) mod no_leader;
pub(crate) mod old_line;
pub(crate) mod reconcile_failing;
pub(crate) mod role_incomplete;
pub(crate) mod several_brokers;
pub(crate) mod webhook_cert;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &missing::DIAGNOSIS,
    &old_line::DIAGNOSIS,
    &reconcile_failing::DIAGNOSIS,
    &mismatched_manifest::DIAGNOSIS,
    &webhook_cert::DIAGNOSIS,
    &role_incomplete::DIAGNOSIS,
    &no_leader::DIAGNOSIS,
    &cr_not_observed::DIAGNOSIS,
    &cr_unexpected_name::DIAGNOSIS,
    &several_brokers::DIAGNOSIS,
    &super::meshsync::broker_ref_invalid::DIAGNOSIS,
    &cr_missing::DIAGNOSIS,
    &cr_stuck_terminating::DIAGNOSIS,
    &cr_failed::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &missing::CHECK,
    &super::workload::OPERATOR_WORKLOAD,
    &reconcile_failing::CHECK,
    &old_line::CHECK,
    &mismatched_manifest::CHECK,
    &webhook_cert::CHECK,
    &role_incomplete::CHECK,
    &no_leader::OPERATOR_LEADS,
    &cr_missing::CHECK,
    &cr_stuck_terminating::CHECK,
    &cr_failed::CHECK,
    &cr_not_observed::CHECK,
    &cr_unexpected_name::CHECK,
    &several_brokers::CHECK,
    &super::meshsync::broker_ref_invalid::CHECK,
];
