use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "credentials-rejected",
    title: "The API server rejects the credentials",
    explanation: include_str!("credentials_rejected.md"),
    remedy: "log in again, or get a new kubeconfig",
    kubectl: Some("auth whoami"),
    cure: Cure::Person(because::ACCESS),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
