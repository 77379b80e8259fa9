use super::{for_each_policy, log_of, show, target_not_discovered, virtual_mesh};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::Approval,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-resource-not-accepted",
    title: "A policy was not accepted",
    explanation: include_str!("resource_not_accepted.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-policies-accepted",
    title: "each policy is accepted",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_policy(context, |hub, policy| judge(context, hub, policy)))
};

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
    let state = crate::diagnose::hub::state_of(status.approval);
    let first = errors.next().cloned();
    let (meaning, remedy) = if failed {
        (
            "The policy is valid, but networking could not write the result to a mesh.".to_owned(),
            "correct what the error names; networking tries again",
        )
    } else {
        let meaning = match first.as_deref().and_then(virtual_mesh::meaning) {
            Some(meaning) => meaning.to_owned(),
            None if entries.clone().any(|entry| entry.approval == Approval::Accepted) => {
                "Networking applies only the part of it that is accepted.".to_owned()
            }
            None => {
                "Networking does not apply it. A version that was applied before may still be in the meshes.".to_owned()
            }
        };
        (meaning, "correct the policy as the error says")
    };
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("{} is {state}", policy.shown()))
            .message(meaning)
            .object(policy.reference())
            .evidences(first.iter().chain(errors).map(|error| format!("status.errors: {error}")))
            .evidences((!has_errors).then(|| format!("status.state: {state}, without an error")))
            .remedy(remedy)
            .command(show(context, policy))
            .commands(log_of(context, hub, Component::Networking).filter(|_| failed))
            .done(),
    )
}
