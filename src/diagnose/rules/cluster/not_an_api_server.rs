use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "not-an-api-server",
    title: "What answers is no API server",
    explanation: include_str!("not_an_api_server.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice = Advice {
    text: "see whether the kubeconfig's server address is right, and whether a proxy or login page stands before it",
    kubectl: None,
};
