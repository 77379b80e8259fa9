//! An entry of the watch-list leaves events out.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-partial-events",
    severity: Severity::Warning,
    title: "An entry of the watch-list leaves events out",
    explanation: include_str!("watch_list_partial_events.md"),
    ..Diagnosis::fault(Component::Meshsync)
};
