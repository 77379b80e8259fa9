//! References between custom resources.

use crate::{diagnose::rules::prelude::*, facts::Meshsync};

/// Why there is no `MeshSync` object to judge.
pub(crate) fn none(context: &RuleContext<'_>) -> Judgement {
    match context.meshsyncs.why_unsettled() {
        Some(why) => Outcome::unknown(why),
        None => Outcome::skip("there is no MeshSync object"),
    }
}

/// The command that has a `MeshSync` publish to a Broker of this namespace.
pub(crate) fn point_to(context: &RuleContext<'_>, meshsync: &Meshsync, broker: &str) -> Command {
    let profile = context.facts.profile;
    context.kubectl().patch(
        format!("meshsyncs.{} {}", profile.group, stack::name(&meshsync.metadata)),
        format!(
            r#"{{"spec":{{"broker":{{"custom":null,"native":{{"name":"{broker}","namespace":"{}"}}}}}}}}"#,
            context.facts.target.namespace
        ),
    )
}
