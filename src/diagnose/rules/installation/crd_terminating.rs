//! A custom resource definition is being deleted and cannot go.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "crd-terminating",
    title: "A custom resource definition is being deleted and cannot go",
    explains: &[
        "cr-missing",
        "cr-stuck-terminating",
        "broker-no-workload",
        "meshsync-no-workload",
    ],
    explanation: include_str!("crd_terminating.md"),
    ..Diagnosis::fault(Component::Installation)
};
