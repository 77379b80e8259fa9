use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-missing",
    title: "There is no kubeconfig",
    explanation: include_str!("kubeconfig_missing.md"),
    remedy: "point KUBECONFIG or --kubeconfig at the cluster's kubeconfig, or give a recording with --from",
    kubectl: Some("config view"),
    ..Diagnosis::obstacle(Component::Cluster)
};
