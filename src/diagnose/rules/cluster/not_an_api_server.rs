use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "not-an-api-server",
    title: "The server is not a Kubernetes API server",
    explanation: include_str!("not_an_api_server.md"),
    remedy: "check the server address in the kubeconfig, and whether a proxy or login page is in front of it",
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
