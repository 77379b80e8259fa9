use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "tls-untrusted",
    title: "The API server's certificate is not trusted",
    explanation: include_str!("tls_untrusted.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice = Advice {
    text: "fetch a fresh kubeconfig, which carries the cluster's CA; do not skip the verification",
    kubectl: None,
};
