//! A workload is not ready.

use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-not-ready",
    title: "{Component} is not ready",
    explains: &[
        "broker-unreachable",
        "broker-no-endpoints",
        "broker-server-not-connected",
        "broker-no-workload",
        "cr-failed",
        "cr-missing",
        "meshsync-no-workload",
        "meshsync-not-connected",
        "{component}-silent",
        "{component}-no-answer",
    ],
    explanation: include_str!("not_ready.md"),
    ..Diagnosis::of_workloads()
};
