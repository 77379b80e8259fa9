//! Custom resources, whichever kind they are.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::SignedDuration};

use crate::diagnose::rules::prelude::*;

/// The custom resources with their kinds.
pub(crate) fn metadata<'a>(context: &'a RuleContext<'_>) -> impl Iterator<Item = (&'static str, &'a ObjectMeta)> {
    let brokers = context.brokers.items().iter().map(|broker| ("Broker", &broker.metadata));
    let meshsyncs = context.meshsyncs.items().iter().map(|meshsync| ("MeshSync", &meshsync.metadata));
    brokers.chain(meshsyncs)
}

/// Whether an object that is being deleted waits for somebody's finalizer.
pub(crate) fn is_held(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some() && metadata.finalizers.as_ref().is_some_and(|list| !list.is_empty())
}

/// Who holds an object.
pub(crate) fn finalizers(metadata: &ObjectMeta) -> String {
    metadata.finalizers.as_deref().unwrap_or_default().join(", ")
}

/// The command that lets an object go without whoever holds it.
pub(crate) fn clear_finalizers(context: &RuleContext<'_>, kind: &str, metadata: &ObjectMeta) -> Command {
    context.kubectl().run(Action::ClearFinalizers(format!("{}/{}", kind.to_lowercase(), stack::name(metadata))))
}

/// How long the operator may take to see a change.
pub(crate) const SOON: SignedDuration = SignedDuration::from_mins(3);
