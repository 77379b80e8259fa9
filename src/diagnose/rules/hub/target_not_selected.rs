use super::{OF_TRAFFIC, for_each_policy, show};
use crate::{
    diagnose::{hub::Policy, rules::prelude::*},
    facts::hub::Approval,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-target-not-selected",
    title: "A policy selects no service",
    explanation: include_str!("target_not_selected.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-targets-selected",
    title: "each policy selects a service",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_policy(context, OF_TRAFFIC, |_, policy| judge(context, policy)))
};

fn judge(context: &RuleContext<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let status = &policy.status;
    let is_old = policy.kind.api_version.ends_with("/v1alpha1");
    // The status of era A does not list targets.
    if is_old || status.approval != Approval::Accepted || !status.targets.is_empty() {
        return None;
    }
    if status.has_routes {
        return None;
    }
    let selector = &policy.object.spec["destinationSelector"];
    let entries = selector.as_array().map_or(&[][..], Vec::as_slice);
    let message = if entries.is_empty() {
        "It selects every service, and none is discovered."
    } else if entries.iter().any(|entry| entry.as_object().is_some_and(serde_json::Map::is_empty)) {
        "It is accepted, but nothing changes. An empty entry in the list selects nothing; an entry with an empty \
         kubeServiceMatcher selects everything."
    } else {
        "It is accepted, but nothing changes. The labels in a selector of destinations are those of the Service, not of \
         its pods; namespaces and clusters are exact names."
    };
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("{} selects no service", policy.shown()))
            .message(message)
            .object(policy.reference())
            .evidence("status.state: ACCEPTED, and the status lists no target")
            .evidence(format!("spec.destinationSelector: {selector}"))
            .remedy("compare the selector with the discovered services: `meshdoctor status` lists them")
            .command(show(context, policy))
            .command(context.meshdoctor(Effect::Read, "status"))
            .done(),
    )
}
