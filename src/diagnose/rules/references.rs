//! References between custom resources.

use crate::{diagnose::rules::prelude::*, facts::Meshsync};

/// A `MeshSync` object, as kubectl names it.
pub(crate) fn named_object(context: &RuleContext<'_>, meshsync: &Meshsync) -> String {
    format!("meshsyncs.{} {}", context.facts.profile.group, stack::name(&meshsync.metadata))
}

/// The command that has a `MeshSync` publish to a Broker of this namespace.
pub(crate) fn point_to(context: &RuleContext<'_>, meshsync: &Meshsync, broker: &str) -> Command {
    context.kubectl().patch(
        named_object(context, meshsync),
        format!(
            r#"{{"spec":{{"broker":{{"custom":null,"native":{{"name":"{broker}","namespace":"{}"}}}}}}}}"#,
            context.facts.target.namespace
        ),
    )
}
