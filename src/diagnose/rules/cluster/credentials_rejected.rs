use crate::diagnose::rules::{cluster::Advice, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "credentials-rejected",
    title: "The API server rejects our credentials",
    explanation: include_str!("credentials_rejected.md"),
    ..Diagnosis::obstacle(Component::Cluster)
};

/// What to do where nothing else is known.
pub(super) const ADVICE: Advice =
    Advice { text: "log in again, or fetch a fresh kubeconfig", kubectl: Some("auth whoami") };
