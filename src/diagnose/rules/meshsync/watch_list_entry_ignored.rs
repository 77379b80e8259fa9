//! `MeshSync` ignores an entry of the watch-list.

use crate::diagnose::rules::{meshsync::watch_list_matches_nothing, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-entry-ignored",
    severity: Severity::Warning,
    title: "MeshSync ignores an entry of the watch-list",
    explanation: include_str!("watch_list_entry_ignored.md"),
    checks: &[&watch_list_matches_nothing::CHECK],
    ..Diagnosis::fault(Component::Meshsync)
};
