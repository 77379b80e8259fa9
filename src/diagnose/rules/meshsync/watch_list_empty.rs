//! The watch-list is empty, and `MeshSync` publishes nothing.

use crate::diagnose::rules::{meshsync::SILENCE, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-empty",
    title: "The watch-list is empty, and MeshSync publishes nothing",
    explains: SILENCE,
    explanation: include_str!("watch_list_empty.md"),
    ..Diagnosis::fault(Component::Meshsync)
};
