use serde_json::Value;

use super::{for_each_policy, show, shown_target, target_not_discovered, virtual_mesh};
use crate::{
    diagnose::{
        hub::{HubView, Policy},
        rules::prelude::*,
    },
    facts::hub::{Approval, TargetStatus},
    stack::{
        base::words::count,
        hub::{Era, Role},
    },
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
    ..Check::of_hub(&[&DIAGNOSIS], |context| {
        for_each_policy(context, &Role::POLICIES, |hub, policy| judge(context, hub, policy))
    })
};

fn judge(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let entries = policy.status.targets.iter().chain(&policy.status.meshes);
    // What a virtual mesh says about its gateways is about federation.
    let wrong: Vec<&TargetStatus> =
        entries.filter(|entry| entry.approval > Approval::Pending && !is_about_others(policy, entry)).collect();
    let Some(first) = wrong.first() else {
        return lost_mesh(context, hub, policy);
    };
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
        None => {
            let known = first.errors.iter().find_map(|error| virtual_mesh::meaning(error));
            let others = if wrong.len() < all { " It is applied to its other targets." } else { "" };
            let meaning = known.unwrap_or("Networking cannot apply it there.");
            (format!("{meaning}{others}"), "correct what the error names".to_owned())
        }
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

/// A virtual mesh that is accepted, and of which one mesh belongs to another virtual mesh. Only the missing entry shows it.
fn lost_mesh(context: &RuleContext<'_>, hub: &HubView<'_>, policy: &Policy<'_>) -> Option<Finding> {
    let status = &policy.status;
    let has_entries = policy.kind.role == Role::VirtualMesh && hub.era() > Some(Era::A);
    if !has_entries || status.approval != Approval::Accepted {
        return None;
    }
    let refs = policy.object.spec["meshes"].as_array()?.iter();
    let mut keys = refs.filter_map(|it| Some(format!("{}.{}.", it["name"].as_str()?, it["namespace"].as_str()?)));
    let mesh = keys.find_map(|key| {
        let mesh = hub.with_key(Role::Mesh, &key)?;
        (!status.meshes.iter().any(|entry| entry.key == key)).then_some(mesh)
    })?;
    let name = mesh.name();
    let winner = mesh.status.pointer("/appliedVirtualMesh/ref/name").and_then(Value::as_str);
    let winner = winner.filter(|winner| *winner != policy.object.name());
    Some(
        DIAGNOSIS
            .finding()
            .title(format!("{} is not applied to mesh {name}", policy.shown()))
            .message(
                "It is accepted, but its status has no entry for that mesh. A mesh can be in one virtual mesh only, and the \
                 first by name gets it, even if that one is invalid.",
            )
            .object(policy.reference())
            .evidence(format!("status.meshes has no entry for {name}"))
            .evidences(winner.map(|winner| format!("Mesh {name}: status.appliedVirtualMesh is {winner}")))
            .remedy(match winner {
                Some(winner) => format!("remove the mesh from VirtualMesh {winner}, or from this one"),
                None => "let only one virtual mesh contain this mesh".to_owned(),
            })
            .command(show(context, policy))
            .done(),
    )
}

/// Whether every error of an entry has another code: federation, or a service that was never discovered.
fn is_about_others(policy: &Policy<'_>, entry: &TargetStatus) -> bool {
    let federated = virtual_mesh::is_about_federation(policy, entry);
    let undiscovered = |error: &String| target_not_discovered::is_about(error);
    federated || (!entry.errors.is_empty() && entry.errors.iter().all(undiscovered))
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
