//! A workload's pods are refused.

use crate::diagnose::rules::{prelude::*, workload::WORKLOAD_DOWN};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-pods-refused",
    title: "{Component}'s pods are refused",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("pods_refused.md"),
    ..Diagnosis::of_workloads()
};
