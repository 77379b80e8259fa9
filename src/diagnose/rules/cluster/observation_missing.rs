//! Something that decides a state was not seen.

use crate::diagnose::rules::{
    cluster::{install_permission_missing, permission_missing},
    prelude::*,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "observation-missing",
    title: "Something that decides a state was not seen",
    explanation: include_str!("observation_missing.md"),
    checks: &[
        &permission_missing::CHECK,
        &install_permission_missing::CHECK,
    ],
    ..Diagnosis::obstacle(Component::Cluster)
};
