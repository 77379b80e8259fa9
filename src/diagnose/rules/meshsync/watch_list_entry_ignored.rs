//! `MeshSync` ignores an entry of the watch-list.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-entry-ignored",
    severity: Severity::Warning,
    title: "MeshSync ignores an entry of the watch-list",
    explanation: include_str!("watch_list_entry_ignored.md"),
    ..Diagnosis::fault(Component::Meshsync)
};
