use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "interrupted",
    title: "The run was interrupted",
    explanation: include_str!("interrupted.md"),
    remedy: "run the same command again",
    cure: Cure::Person("the check was interrupted"),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
