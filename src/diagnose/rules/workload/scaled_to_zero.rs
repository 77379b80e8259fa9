//! A workload is scaled to zero.

use crate::diagnose::rules::{prelude::*, workload::WORKLOAD_DOWN};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "{component}-scaled-to-zero",
    title: "{Component} is scaled to zero",
    explains: WORKLOAD_DOWN,
    explanation: include_str!("scaled_to_zero.md"),
    ..Diagnosis::of_workloads()
};
