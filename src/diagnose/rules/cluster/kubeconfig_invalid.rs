use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-invalid",
    title: "The kubeconfig is invalid",
    explanation: include_str!("kubeconfig_invalid.md"),
    remedy: "correct the kubeconfig at the place named above",
    kubectl: Some("config view"),
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
