//! `MeshSync`: its workload, its connection, its watch-list and its events.

pub(crate) mod broker_ref_invalid;
pub(crate) mod cannot_list;
pub(crate) mod data_gap_since_reconnect;
pub(crate) mod duplicated;
pub(crate) mod flow;
pub(crate) mod flow_event_missing;
pub(crate) mod flow_message_too_big;
pub(crate) mod flow_not_watched;
pub(crate) mod flow_nothing_seen;
pub(crate) mod flow_probe_leftover;
pub(crate) mod flow_slow;
pub(crate) mod flow_store_incomplete;
pub(crate) mod flow_write_refused;
pub(crate) mod flow_wrong_cluster_id;
pub(crate) mod flow_wrong_subject;
pub(crate) mod foreign_client;
pub(crate) mod high_memory;
pub(crate) mod no_answer;
pub(crate) mod no_workload;
pub(crate) mod not_connected;
pub(crate) mod output_filter;
mod reconnecting;
pub(crate) mod silent;
pub(crate) mod stale_env;
pub(crate) mod standalone;
pub(crate) mod target;
pub(crate) mod version_bug;
pub(crate) mod version_mismatch;
pub(crate) mod watch_list;
pub(crate) mod watch_list_configmap_ignored;
pub(crate) mod watch_list_edited_since_start;
pub(crate) mod watch_list_empty;
pub(crate) mod watch_list_entry_ignored;
pub(crate) mod watch_list_high_churn;
pub(crate) mod watch_list_invalid;
pub(crate) mod watch_list_matches_nothing;
pub(crate) mod watch_list_no_events;
pub(crate) mod watch_list_one_group;
pub(crate) mod watch_list_partial_events;
pub(crate) mod watch_list_unknown_resource;
pub(crate) mod watch_list_watches_secrets;

pub(crate) mod wrong_target;

use crate::diagnose::rules::prelude::*;

/// The diagnoses, in display order.
pub(super) static DIAGNOSES: &[&Diagnosis] = &[
    &no_workload::DIAGNOSIS,
    &not_connected::DIAGNOSIS,
    &standalone::DIAGNOSIS,
    &stale_env::DIAGNOSIS,
    &wrong_target::DIAGNOSIS,
    &duplicated::DIAGNOSIS,
    &output_filter::DIAGNOSIS,
    &high_memory::DIAGNOSIS,
    &version_mismatch::DIAGNOSIS,
    &super::broker::shared::DIAGNOSIS,
    &data_gap_since_reconnect::DIAGNOSIS,
    &silent::DIAGNOSIS,
    &no_answer::DIAGNOSIS,
    &flow_write_refused::DIAGNOSIS,
    &flow_not_watched::DIAGNOSIS,
    &flow_nothing_seen::DIAGNOSIS,
    &flow_event_missing::DIAGNOSIS,
    &flow_wrong_subject::DIAGNOSIS,
    &flow_wrong_cluster_id::DIAGNOSIS,
    &flow_message_too_big::DIAGNOSIS,
    &flow_slow::DIAGNOSIS,
    &flow_store_incomplete::DIAGNOSIS,
    &flow_probe_leftover::DIAGNOSIS,
    &foreign_client::DIAGNOSIS,
    &cannot_list::DIAGNOSIS,
    &watch_list_invalid::DIAGNOSIS,
    &watch_list_empty::DIAGNOSIS,
    &watch_list_matches_nothing::DIAGNOSIS,
    &watch_list_one_group::DIAGNOSIS,
    &watch_list_unknown_resource::DIAGNOSIS,
    &watch_list_entry_ignored::DIAGNOSIS,
    &watch_list_no_events::DIAGNOSIS,
    &watch_list_partial_events::DIAGNOSIS,
    &watch_list_watches_secrets::DIAGNOSIS,
    &watch_list_high_churn::DIAGNOSIS,
    &watch_list_edited_since_start::DIAGNOSIS,
    &watch_list_configmap_ignored::DIAGNOSIS,
    &version_bug::DIAGNOSIS,
];

/// The checks, in display order. A check comes after its prerequisites.
pub(super) static CHECKS: &[&Check] = &[
    &no_workload::CHECK,
    &super::workload::MESHSYNC_WORKLOAD,
    &cannot_list::CHECK,
    &not_connected::CHECK,
    &foreign_client::CHECK,
    &stale_env::CHECK,
    &wrong_target::CHECK,
    &duplicated::MESHSYNC_ONCE,
    &output_filter::CHECK,
    &high_memory::CHECK,
    &version_mismatch::CHECK,
    &data_gap_since_reconnect::CHECK,
    &watch_list_invalid::CHECK,
    &watch_list_matches_nothing::CHECK,
    &watch_list_one_group::CHECK,
    &watch_list_no_events::CHECK,
    &watch_list_watches_secrets::CHECK,
    &watch_list_high_churn::CHECK,
    &watch_list_edited_since_start::CHECK,
    &watch_list_configmap_ignored::CHECK,
];

/// What a test finds if `MeshSync` publishes nothing, or not what it should.
pub(super) const SILENCE: &[&str] =
    &["meshsync-silent", "flow-nothing-seen", "flow-store-incomplete", "database-empty", "database-stale"];

/// What follows if `MeshSync` has an address or a token that does not work.
pub(super) const NOT_PUBLISHING: &[&str] = &[
    "meshsync-not-connected",
    "meshsync-not-ready",
    "meshsync-crash-loop",
    "meshsync-silent",
    "flow-nothing-seen",
    "database-empty",
    "database-stale",
];
