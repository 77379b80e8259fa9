use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "kubeconfig-invalid",
    title: "The kubeconfig cannot be used",
    explanation: include_str!("kubeconfig_invalid.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice =
    Advice { text: "mend the kubeconfig at the place named above", kubectl: Some("config view") };
