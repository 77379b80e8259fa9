use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-invalid",
    title: "The kubeconfig cannot be used",
    explanation: include_str!("kubeconfig_invalid.md"),
    remedy: "mend the kubeconfig at the place named above",
    kubectl: Some("config view"),
    ..Diagnosis::obstacle(Component::Cluster)
};
