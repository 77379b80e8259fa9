//! The pods that an installation would create, as they were tried.

use k8s_openapi::api::core::v1::Pod;

use crate::{diagnose::rules::prelude::*, stack::manifests};

pub(crate) fn pods(context: &RuleContext<'_>) -> Vec<(String, Pod)> {
    let facts = context.facts;
    manifests::pods(facts.profile, &facts.target.namespace)
        .iter()
        .filter_map(|object| {
            let pod = manifests::typed(object)?;
            let name = stack::name(&pod.metadata).trim_end_matches("-preflight");
            Some((name.to_owned(), pod))
        })
        .collect()
}
