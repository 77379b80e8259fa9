use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-missing",
    title: "There is no kubeconfig",
    explanation: include_str!("kubeconfig_missing.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice = Advice {
    text: "point KUBECONFIG or --kubeconfig at the cluster's kubeconfig, or give a recording with --from",
    kubectl: Some("config view"),
};
