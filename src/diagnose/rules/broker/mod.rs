//! The broker: its workload, its servers, its addresses and its clients.

pub(crate) mod addresses;
pub(crate) mod auth_failed;
pub(crate) mod client_port;
pub(crate) mod client_port_unusable;
pub(crate) mod endpoint_stale;
pub(crate) mod external_pending;
pub(crate) mod external_unroutable;
pub(crate) mod lame_duck;
pub(crate) mod monitor_unreachable;
pub(crate) mod near_limit;
pub(crate) mod network_path_broken;
pub(crate) mod network_policy_blocks;
pub(crate) mod network_probe_not_run;
pub(crate) mod no_endpoints;
pub(crate) mod no_workload;
pub(crate) mod not_delivering;
pub(crate) mod not_exposed;
pub(crate) mod payload_limit;
pub(crate) mod requires_tls;
pub(crate) mod server_not_connected;
pub(crate) mod server_not_subscribed;
pub(crate) mod servers;
pub(crate) mod shared;
pub(crate) mod slow_consumer;
pub(crate) mod split;
pub(crate) mod token_missing;
pub(crate) mod unauthenticated;
pub(crate) mod unreachable;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &no_workload::DIAGNOSIS,
    &unreachable::DIAGNOSIS,
    &auth_failed::DIAGNOSIS,
    &unauthenticated::DIAGNOSIS,
    &split::DIAGNOSIS,
    &token_missing::DIAGNOSIS,
    &no_endpoints::DIAGNOSIS,
    &not_exposed::DIAGNOSIS,
    &network_policy_blocks::DIAGNOSIS,
    &network_path_broken::DIAGNOSIS,
    &network_probe_not_run::DIAGNOSIS,
    &monitor_unreachable::DIAGNOSIS,
    &client_port_unusable::DIAGNOSIS,
    &requires_tls::DIAGNOSIS,
    &lame_duck::DIAGNOSIS,
    &not_delivering::DIAGNOSIS,
    &slow_consumer::DIAGNOSIS,
    &near_limit::DIAGNOSIS,
    &payload_limit::DIAGNOSIS,
    &server_not_subscribed::DIAGNOSIS,
    &external_pending::DIAGNOSIS,
    &endpoint_stale::DIAGNOSIS,
    &external_unroutable::DIAGNOSIS,
    &server_not_connected::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &no_workload::CHECK,
    &super::workload::BROKER_WORKLOAD,
    &unreachable::CHECK,
    &auth_failed::CHECK,
    &unauthenticated::CHECK,
    &token_missing::CHECK,
    &no_endpoints::CHECK,
    &monitor_unreachable::CHECK,
    &client_port_unusable::CHECK,
    &requires_tls::CHECK,
    &lame_duck::CHECK,
    &slow_consumer::CHECK,
    &near_limit::CHECK,
    &payload_limit::CHECK,
    &split::CHECK,
    &server_not_connected::CHECK,
    &server_not_subscribed::CHECK,
    &external_pending::CHECK,
    &not_exposed::CHECK,
    &endpoint_stale::CHECK,
    &external_unroutable::CHECK,
    &network_policy_blocks::NETWORK_POLICIES_OPEN,
];

/// What follows if no broker server works.
pub(super) const BROKER_DOWN: &[&str] = &[
    "broker-not-started",
    "network-path-broken",
    "broker-unreachable",
    "broker-no-endpoints",
    "broker-not-ready",
    "broker-auth-failed",
    "broker-server-not-connected",
    "server-broker-unreachable",
    "database-empty",
    "database-stale",
    "cr-failed",
    "meshsync-not-started",
    "meshsync-not-connected",
    "meshsync-crash-loop",
    "meshsync-not-ready",
];
