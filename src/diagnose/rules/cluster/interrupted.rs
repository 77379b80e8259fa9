use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "interrupted",
    title: "The run was interrupted",
    explanation: include_str!("interrupted.md"),
    remedy: "run the same command again",
    ..Diagnosis::obstacle(Component::Cluster)
};
