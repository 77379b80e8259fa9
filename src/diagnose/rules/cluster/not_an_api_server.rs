use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "not-an-api-server",
    title: "What answers is no API server",
    explanation: include_str!("not_an_api_server.md"),
    remedy: "see whether the kubeconfig's server address is right, and whether a proxy or login page stands before it",
    ..Diagnosis::obstacle(Component::Cluster)
};
