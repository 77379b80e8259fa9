use super::{for_each_policy, log_of, show, target_not_discovered, virtual_mesh, written_states};
use crate::{
    diagnose::{
        hub::{HubView, Policy, state_of},
        rules::prelude::*,
    },
    facts::hub::Approval,
    stack::hub::Role,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-resource-not-accepted",
    title: "A policy was not accepted",
    explanation: include_str!("resource_not_accepted.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check =
    Check { id: "smh-policies-accepted", title: "each policy is accepted", ..Check::of_hub(&[&DIAGNOSIS], judge_all) };

fn judge_all(context: &RuleContext<'_>) -> Judgement {
    let judgement = for_each_policy(context, &Role::POLICIES, |hub, policy| judge(context, hub, policy));
    let hub = super::hub_of(context)?;
    let is_refused = |policy: &Policy<'_>| policy.status.approval > Approval::Pending;
    match judgement {
        // Not every policy is accepted, but there is nothing to add.
        Ok(Outcome::Pass(_)) if hub.policies().iter().any(is_refused) => Outcome::skip("other checks name the errors"),
        other => other,
    }
}

fn judge(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let status = &policy.status;
    let refused = matches!(status.approval, Approval::Invalid | Approval::Failed);
    let entries = status.targets.iter().chain(&status.meshes);
    let in_entries = entries.clone().any(|entry| entry.approval > Approval::Pending);
    // Other codes are about what is not discovered, and about single targets.
    let of_federation = policy.object.status["federationStatus"]["message"].as_str();
    let is_of_others = |error: &str| {
        target_not_discovered::is_about(error)
            || virtual_mesh::is_federation_error(error)
            || of_federation == Some(error)
    };
    let mut errors = status.errors.iter().filter(|error| !is_of_others(error));
    let has_errors = errors.clone().next().is_some();
    if !refused || (!has_errors && (in_entries || !status.errors.is_empty())) {
        return None;
    }
    let failed = status.approval == Approval::Failed;
    let parts = refused_parts(policy);
    let state = parts.first().map_or_else(|| state_of(status.approval).to_string(), |(_, state)| (*state).to_owned());
    let first = errors.next();
    let applied_to_some = entries.clone().any(|entry| entry.approval == Approval::Accepted);
    let meaning = match first.and_then(|error| virtual_mesh::meaning(error)) {
        Some(meaning) => meaning,
        None if state == "PROCESSING_ERROR" => {
            "Networking failed to read, translate or write something for it, so parts of it may be missing in the meshes."
        }
        None if state == "CONFLICT" => "It contradicts other policies for the same service.",
        None if failed => "The policy is valid, but networking could not write the result to a mesh.",
        None if applied_to_some => "Networking applies only the part of it that is accepted.",
        None => "Networking does not apply it. A version that was applied before may still be in the meshes.",
    };
    let shown = first.into_iter().chain(errors).map(|error| format!("{}: {error}", field_of(policy, error)));
    let without_error = !has_errors && parts.is_empty();
    Some(
        DIAGNOSIS
            .finding()
            .title(match parts.first() {
                Some((field, _)) => format!("{} has {} {state}", policy.shown(), field.trim_end_matches(".state")),
                None => format!("{} is {state}", policy.shown()),
            })
            .message(meaning)
            .object(policy.reference())
            .evidences(parts.iter().map(|(field, state)| format!("status.{field}: {state}")))
            .evidences(shown)
            .evidences(without_error.then(|| format!("status.state: {state}, without an error")))
            .remedy(match state.as_str() {
                "FAILED" => "correct what the error names; networking tries again",
                "PROCESSING_ERROR" => "correct what the error names",
                "CONFLICT" => "let only one of the policies set the field for this service",
                _ => "correct the policy as the error says",
            })
            .command(show(context, policy))
            .commands(log_of(context, hub, Component::Networking).filter(|_| failed))
            .done(),
    )
}

/// The parts of a status of Service Mesh Hub 0.4 to 0.6 that are not accepted, with their states as they are written, the
/// worst first. A later status has one state and no parts.
fn refused_parts<'a>(policy: &Policy<'a>) -> Vec<(String, &'a str)> {
    let mut parts = written_states(policy);
    parts.retain(|(field, state)| {
        !["state", "federationStatus.state"].contains(&field.as_str()) && !["ACCEPTED", "UNKNOWN"].contains(state)
    });
    parts.sort_by_key(|(_, state)| *state != "PROCESSING_ERROR");
    parts
}

/// The field of the status that contains an error.
fn field_of(policy: &Policy<'_>, error: &str) -> String {
    let fields = policy.object.status.as_object().into_iter().flatten();
    let mut parts = fields.filter_map(|(field, part)| {
        if part["message"] == error {
            return Some(format!("status.{field}.message"));
        }
        let mut items = part.as_array()?.iter();
        items.any(|item| item["errorMessage"] == error).then(|| format!("status.{field}"))
    });
    parts.next().unwrap_or_else(|| "status.errors".to_owned())
}
