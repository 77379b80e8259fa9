//! References between custom resources.

use crate::{diagnose::rules::prelude::*, facts::Meshsync};

/// A MeshSync CR in kubectl's notation.
pub(crate) fn named_object(context: &RuleContext<'_>, meshsync: &Meshsync) -> String {
    format!("meshsyncs.{} {}", context.facts.profile.group, stack::name(&meshsync.metadata))
}

/// The command that makes a MeshSync CR use a Broker CR of this namespace.
pub(crate) fn point_to(context: &RuleContext<'_>, meshsync: &Meshsync, broker: &str) -> Command {
    context.kubectl().patch(
        named_object(context, meshsync),
        format!(
            r#"{{"spec":{{"broker":{{"custom":null,"native":{{"name":"{broker}","namespace":"{}"}}}}}}}}"#,
            context.facts.target.namespace
        ),
    )
}
