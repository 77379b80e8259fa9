use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "internal-error",
    title: "meshdoctor itself failed",
    explanation: include_str!("internal_error.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice =
    Advice { text: "report it to the project, with what `-v` prints; a recording may still work", kubectl: None };
