use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "internal-error",
    title: "meshdoctor itself failed",
    explanation: include_str!("internal_error.md"),
    remedy: "report a bug with the output of `-v`; a recording may still work",
    cure: Cure::Person("it is a bug in this program"),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
