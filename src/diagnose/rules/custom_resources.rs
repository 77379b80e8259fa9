//! Custom resources, whichever kind they are.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::SignedDuration};

use crate::{diagnose::rules::prelude::*, facts::Condition};

/// The custom resources with their kinds and the conditions of their status.
pub(crate) fn all<'a>(
    context: &'a RuleContext<'_>,
) -> impl Iterator<Item = (&'static str, &'a ObjectMeta, &'a [Condition])> {
    let brokers = context.brokers.items().iter().map(|it| ("Broker", &it.metadata, it.status.conditions.as_slice()));
    let meshsyncs =
        context.meshsyncs.items().iter().map(|it| ("MeshSync", &it.metadata, it.status.conditions.as_slice()));
    brokers.chain(meshsyncs)
}

/// The newest generation that a status speaks of.
pub(crate) fn observed_generation(conditions: &[Condition]) -> Option<i64> {
    conditions.iter().filter_map(|condition| condition.observed_generation).max()
}

/// A custom resource as kubectl names it.
pub(crate) fn named(kind: &str, metadata: &ObjectMeta) -> String {
    format!("{}/{}", kind.to_lowercase(), stack::name(metadata))
}

/// The custom resources that are being deleted and wait for their finalizers.
pub(crate) fn held<'a>(context: &'a RuleContext<'_>) -> Vec<(&'static str, &'a ObjectMeta)> {
    all(context).map(|(kind, metadata, _)| (kind, metadata)).filter(|(_, metadata)| is_held(metadata)).collect()
}

/// What a custom resource that is being deleted waits for, as evidence.
pub(crate) fn waits(kind: &str, metadata: &ObjectMeta) -> String {
    format!("{kind} {} is being deleted and waits for {}", stack::name(metadata), finalizers(metadata))
}

/// Whether an object that is being deleted waits for somebody's finalizer.
fn is_held(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some() && metadata.finalizers.as_ref().is_some_and(|list| !list.is_empty())
}

/// Who holds an object.
pub(crate) fn finalizers(metadata: &ObjectMeta) -> String {
    metadata.finalizers.as_deref().unwrap_or_default().join(", ")
}

/// The commands that let objects go without whoever holds them.
pub(crate) fn clear_finalizers(context: &RuleContext<'_>, held: &[(&str, &ObjectMeta)]) -> Vec<Command> {
    held.iter().map(|(kind, metadata)| context.kubectl().run(Action::ClearFinalizers(named(kind, metadata)))).collect()
}

/// How long the operator may take to see a change.
pub(crate) const SOON: SignedDuration = SignedDuration::from_mins(3);
