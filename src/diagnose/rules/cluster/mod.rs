//! Access to the cluster: connection and permissions.

pub(crate) mod answer_too_large;
pub(crate) mod credentials_rejected;
pub(crate) mod exec_plugin_failed;
pub(crate) mod install_permission_missing;
pub(crate) mod internal_error;
pub(crate) mod interrupted;
pub(crate) mod kubeconfig_invalid;
pub(crate) mod kubeconfig_missing;
pub(crate) mod kubernetes_too_old;
pub(crate) mod leftovers;
pub(crate) mod node_capacity;
pub(crate) mod node_not_ready;
pub(crate) mod not_an_api_server;
pub(crate) mod observation_missing;
pub(crate) mod permission_missing;
pub(crate) mod privilege_escalation;
pub(crate) mod tls_untrusted;
pub(crate) mod unreachable;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &kubeconfig_missing::DIAGNOSIS,
    &kubeconfig_invalid::DIAGNOSIS,
    &exec_plugin_failed::DIAGNOSIS,
    &unreachable::DIAGNOSIS,
    &tls_untrusted::DIAGNOSIS,
    &not_an_api_server::DIAGNOSIS,
    &credentials_rejected::DIAGNOSIS,
    &interrupted::DIAGNOSIS,
    &internal_error::DIAGNOSIS,
    &permission_missing::DIAGNOSIS,
    &observation_missing::DIAGNOSIS,
    &answer_too_large::DIAGNOSIS,
    &kubernetes_too_old::DIAGNOSIS,
    &install_permission_missing::DIAGNOSIS,
    &privilege_escalation::DIAGNOSIS,
    &node_capacity::DIAGNOSIS,
    &node_not_ready::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &API_REACHABLE,
    &kubernetes_too_old::CHECK,
    &answer_too_large::CHECK,
    &permission_missing::CHECK,
    &node_not_ready::CHECK,
];
