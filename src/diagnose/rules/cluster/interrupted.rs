use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "interrupted",
    title: "The run was interrupted",
    explanation: include_str!("interrupted.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice = Advice { text: "run the same command again", kubectl: None };
