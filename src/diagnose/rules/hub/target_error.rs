use super::{for_each_policy, show, shown_target, virtual_mesh};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::{Approval, TargetStatus},
    stack::base::words::count,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-target-error",
    title: "A policy is not applied to some of its targets",
    explanation: include_str!("target_error.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Policies).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-targets-accepted",
    title: "each policy is applied to all its targets",
    ..Check::of_hub(&[&DIAGNOSIS], |context| for_each_policy(context, |hub, policy| judge(context, hub, policy)))
};

fn judge(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let entries = policy.status.targets.iter().chain(&policy.status.meshes);
    // What a virtual mesh says about its gateways is about federation.
    let wrong: Vec<&TargetStatus> = entries
        .filter(|entry| entry.approval > Approval::Pending && !virtual_mesh::is_about_federation(policy, entry))
        .collect();
    let first = wrong.first()?;
    let all = policy.status.targets.len() + policy.status.meshes.len();
    let winner = first.errors.iter().find_map(|error| winner_of(error));
    let name = shown_target(hub, &first.key);
    let (message, remedy) = match winner {
        Some(winner) => (
            format!(
                "It sets a field that {winner} sets for the same target, and only one of them can. The policy whose name \
                 comes first in the alphabet wins, not the older one, so a new policy can end another one."
            ),
            format!("let only one of them select this target, or remove the field from one of them: compare {winner}"),
        ),
        None => (
            "It is applied to its other targets. To this one, networking cannot apply it.".to_owned(),
            "correct what the error names".to_owned(),
        ),
    };
    let evidence = wrong.iter().flat_map(|entry| {
        let name = shown_target(hub, &entry.key);
        entry.errors.iter().map(move |error| format!("{name}: {error}"))
    });
    Some(
        DIAGNOSIS
            .finding()
            .title(if wrong.len() == 1 {
                format!("{} is not applied to {name}", policy.shown())
            } else {
                format!("{} is not applied to {} of {all}", policy.shown(), count(wrong.len(), "target", "targets"))
            })
            .message(message)
            .object(policy.reference())
            .evidences(evidence.take(10))
            .remedy(remedy)
            .command(show(context, policy))
            .done(),
    )
}

/// The policy that owns the field, in the error about a conflict: `… is already owned by *v1.TrafficPolicy [a.ns.]`.
fn winner_of(error: &str) -> Option<String> {
    let (_, owner) = error.split_once("is already owned by ")?;
    let (kind, rest) = owner.split_once(" [")?;
    let (name, _) = rest.split_once(']')?;
    Some(format!("{} {}", kind.rsplit('.').next()?, name.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winner_of_a_conflict_is_read_from_the_error() {
        let error =
            "timeout: field types.Duration is already owned by *v1.TrafficPolicy [a-first.gloo-mesh.] (priority 0)";
        assert_eq!(winner_of(error).as_deref(), Some("TrafficPolicy a-first.gloo-mesh"));
        assert_eq!(winner_of("port 5 does not exist"), None);
    }
}
