//! References between custom resources.

use crate::{diagnose::rules::prelude::*, facts::Meshsync};

/// A MeshSync CR in kubectl's notation.
pub(crate) fn named_object(context: &RuleContext<'_>, meshsync: &Meshsync) -> String {
    format!("meshsyncs.{} {}", context.facts.profile.group, stack::name(&meshsync.metadata))
}

/// The command that makes a MeshSync CR use a Broker CR of this namespace.
pub(crate) fn point_to(context: &RuleContext<'_>, meshsync: &Meshsync, broker: &str) -> Command {
    let native = json!({ "name": broker, "namespace": context.facts.target.namespace });
    let object = context.custom_resource("MeshSync", stack::name(&meshsync.metadata));
    context.kubectl().patch(object, json!({ "spec": { "broker": { "custom": null, "native": native } } }))
}
