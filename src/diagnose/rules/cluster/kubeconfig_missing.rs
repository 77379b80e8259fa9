use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-missing",
    title: "There is no kubeconfig",
    explanation: include_str!("kubeconfig_missing.md"),
    remedy: "set KUBECONFIG or --kubeconfig, or read a recording with --from",
    kubectl: Some("config view"),
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
