//! The prerequisites of the stack, and what upgrades and removals leave behind.

pub(crate) mod conversion_webhook_down;
pub(crate) mod crd_missing;
pub(crate) mod crd_not_established;
pub(crate) mod crd_outdated;
pub(crate) mod crd_terminating;

pub(crate) mod foreign_owner;
pub(crate) mod helm_release_stuck;
pub(crate) mod install_rejected;
pub(crate) mod mode_not_expected;
pub(crate) mod moving_tag;
pub(crate) mod namespace_terminating;
pub(crate) mod not_installed;
pub(crate) mod old_crd_group;
pub(crate) mod orphaned_workloads;
pub(crate) mod over_privileged;
pub(crate) mod pod_security_blocks;

pub(crate) mod stack_in_other_namespace;
pub(crate) mod two_generations;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &install_rejected::DIAGNOSIS,
    &pod_security_blocks::DIAGNOSIS,
    &stack_in_other_namespace::DIAGNOSIS,
    &not_installed::DIAGNOSIS,
    &mode_not_expected::DIAGNOSIS,
    &namespace_terminating::DIAGNOSIS,
    &crd_not_established::DIAGNOSIS,
    &crd_terminating::DIAGNOSIS,
    &crd_missing::DIAGNOSIS,
    &crd_outdated::DIAGNOSIS,
    &conversion_webhook_down::DIAGNOSIS,
    &old_crd_group::DIAGNOSIS,
    &two_generations::DIAGNOSIS,
    &orphaned_workloads::DIAGNOSIS,
    &super::cluster::leftovers::DIAGNOSIS,
    &helm_release_stuck::DIAGNOSIS,
    &foreign_owner::DIAGNOSIS,
    &over_privileged::DIAGNOSIS,
    &moving_tag::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &namespace_terminating::CHECK,
    &crd_not_established::CHECK,
    &old_crd_group::CHECK,
    &INSTALLED,
    &crd_missing::CHECK,
    &stack_in_other_namespace::RESOURCES_BESIDE_OPERATOR,
    &crd_outdated::CHECK,
    &conversion_webhook_down::CHECK,
    &mode_not_expected::CHECK,
    &two_generations::CHECK,
    &orphaned_workloads::CHECK,
    &super::cluster::leftovers::CHECK,
    &over_privileged::CHECK,
    &moving_tag::CHECK,
    &foreign_owner::CHECK,
    &helm_release_stuck::CHECK,
];
