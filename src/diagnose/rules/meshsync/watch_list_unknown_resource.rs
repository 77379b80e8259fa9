//! The watch-list names what this cluster does not serve.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-unknown-resource",
    title: "The watch-list names what this cluster does not serve",
    explanation: include_str!("watch_list_unknown_resource.md"),
    ..Diagnosis::fault(Component::Meshsync)
};
