//! What every preflight check needs.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::{
    diagnose::rules::prelude::*,
    facts::{DryRun, Effect, Preflight, dry_run::DryRunOutcome},
    stack::manifests,
};

/// The preflight's facts; empty if there was no preflight.
pub(crate) fn seen<'a>(context: &RuleContext<'a>) -> &'a Preflight {
    static NOTHING: Preflight =
        Preflight { user: Seen::NotLooked, objects: Vec::new(), pods: Vec::new(), nodes: Seen::NotLooked };
    context.facts.preflight.as_ref().unwrap_or(&NOTHING)
}

/// The pods that an installation would create, as in the dry run.
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

/// The object of a dry run.
pub(crate) fn object(trial: &DryRun) -> ObjectRef {
    ObjectRef { kind: trial.kind.clone(), namespace: trial.namespace.clone(), name: trial.name.clone() }
}

/// `1 object`, `3 objects`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Whether an existing object is not changed. That applies to an object that is in the desired state, to a namespace that
/// exists, or in which objects could be tested, and to a custom resource that is not terminating, because its spec is the
/// user's decision.
pub(crate) fn stays(context: &RuleContext<'_>, trial: &DryRun) -> bool {
    let tried_inside = || {
        seen(context).objects.iter().any(|object| {
            object.namespace.is_some() && matches!(DryRunOutcome::of(object), DryRunOutcome::Accepted { .. })
        })
    };
    let remains = |metadata: &ObjectMeta| metadata.deletion_timestamp.is_none();
    match trial.kind.as_str() {
        "Namespace" => context.facts.namespace.known().is_some() || tried_inside(),
        // The name does not matter: an installation uses the name of the existing CR.
        "Broker" => context.brokers.items().iter().any(|it| remains(&it.metadata)),
        "MeshSync" => context.meshsyncs.items().iter().any(|it| remains(&it.metadata)),
        _ => trial.effect == Seen::Known(Effect::Unchanged),
    }
}
