//! `MeshSync` runs without operator, by intent.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-standalone",
    severity: Severity::Info,
    title: "MeshSync runs without operator, by intent",
    explanation: include_str!("standalone.md"),
    ..Diagnosis::fault(Component::Meshsync)
};
