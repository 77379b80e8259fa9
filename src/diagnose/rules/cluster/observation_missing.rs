//! Something that decides a state was not seen.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "observation-missing",
    title: "Something that decides a state was not seen",
    explanation: include_str!("observation_missing.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};
