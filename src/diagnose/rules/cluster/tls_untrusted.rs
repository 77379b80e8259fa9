use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "tls-untrusted",
    title: "The API server's certificate is not trusted",
    explanation: include_str!("tls_untrusted.md"),
    remedy: "get a new kubeconfig, which contains the cluster's CA; do not skip the verification",
    cure: Cure::Person(because::OUTSIDE),
    profiles: profile::ALL,
    ..Diagnosis::obstacle(Component::Cluster)
};
