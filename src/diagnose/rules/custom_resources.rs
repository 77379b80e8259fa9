//! Custom resources of any kind.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::SignedDuration};

use crate::{
    diagnose::{mode::Mode, rules::prelude::*},
    facts::Condition,
};

/// The custom resources with their kinds and status conditions.
pub(crate) fn all<'a>(
    context: &'a RuleContext<'_>,
) -> impl Iterator<Item = (&'static str, &'a ObjectMeta, &'a [Condition])> {
    let brokers = context.brokers.items().iter().map(|it| ("Broker", &it.metadata, it.status.conditions.as_slice()));
    let meshsyncs =
        context.meshsyncs.items().iter().map(|it| ("MeshSync", &it.metadata, it.status.conditions.as_slice()));
    brokers.chain(meshsyncs)
}

/// The highest generation in a status.
pub(crate) fn observed_generation(conditions: &[Condition]) -> Option<i64> {
    conditions.iter().filter_map(|condition| condition.observed_generation).max()
}

/// A custom resource in kubectl's notation.
pub(crate) fn named(kind: &str, metadata: &ObjectMeta) -> String {
    format!("{}/{}", kind.to_lowercase(), stack::name(metadata))
}

/// The custom resources that are terminating and wait for their finalizers.
pub(crate) fn held<'a>(context: &'a RuleContext<'_>) -> Vec<(&'static str, &'a ObjectMeta)> {
    all(context).map(|(kind, metadata, _)| (kind, metadata)).filter(|(_, metadata)| is_held(metadata)).collect()
}

/// The finalizers that a terminating custom resource waits for, as evidence.
pub(crate) fn waits(kind: &str, metadata: &ObjectMeta) -> String {
    format!("{kind} {} is terminating; finalizers: {}", stack::name(metadata), finalizers(metadata))
}

/// Whether an object is terminating and has finalizers.
fn is_held(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some() && metadata.finalizers.as_ref().is_some_and(|list| !list.is_empty())
}

/// An object's finalizers.
pub(crate) fn finalizers(metadata: &ObjectMeta) -> String {
    metadata.finalizers.as_deref().unwrap_or_default().join(", ")
}

/// The commands that remove the finalizers.
pub(crate) fn clear_finalizers(context: &RuleContext<'_>, held: &[(&str, &ObjectMeta)]) -> Vec<Command> {
    held.iter().map(|(kind, metadata)| context.kubectl().run(Action::ClearFinalizers(named(kind, metadata)))).collect()
}

/// How long the operator may take to observe a change.
pub(crate) const RECONCILE_TIME: SignedDuration = SignedDuration::from_mins(3);

/// The kinds of which the stack needs a custom resource here and has none.
pub(crate) fn missing(context: &RuleContext<'_>) -> Vec<&'static str> {
    let no_broker = context.brokers.is_settled() && context.brokers.items().is_empty();
    let no_meshsync = context.meshsyncs.is_settled() && context.meshsyncs.items().is_empty();
    // A MeshSync that publishes to another broker needs no Broker CR.
    let no_broker = no_broker && context.mode().0 != Mode::CustomBroker;
    [("Broker", no_broker), ("MeshSync", no_meshsync)]
        .into_iter()
        .filter_map(|(kind, is_missing)| is_missing.then_some(kind))
        .collect()
}
