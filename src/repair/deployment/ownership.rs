//! Taking over objects from another tool: it must no longer treat them as its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::LiveState;
use crate::{
    repair::{
        plan::{Advice, Plan, Refusal},
        release,
    },
    stack::{
        manager::{self, Manager},
        object::Id,
    },
};

/// The refusal: what to do instead of taking over, and how to take over.
pub(super) fn refusal(owners: &BTreeSet<Manager>) -> Refusal {
    let instead = owners.iter().map(|owner| {
        let command = owner.deploy_command();
        let then = match owner {
            Manager::Helm { .. } => "with the values that you want",
            _ => "after changing its source",
        };
        Advice::from(format!("{command}, {then}"))
    });
    let first = if owners.iter().all(|owner| matches!(owner, Manager::Helm { .. })) {
        ""
    } else {
        "; make that tool release the stack first, or it restores both"
    };
    let its = if owners.len() == 1 { "its" } else { "their" };
    let take_over = format!("or add --take-over to remove {its} labels, annotations and field ownership{first}").into();
    Refusal::new(
        format!("the stack is managed by {}, which would revert the changes", release::named(owners)),
        instead.chain([take_over]),
    )
}

/// The labels and annotations of Helm that a custom resource should have and lacks. Its spec belongs to the user, but
/// without them its chart cannot adopt it.
pub(super) fn missing_marks(live: &Value, desired: &Value) -> Option<Value> {
    desired["metadata"]["annotations"]["meta.helm.sh/release-name"].as_str()?;
    let mut missing = json!({});
    for (place, keys) in [
        ("labels", &["app.kubernetes.io/managed-by"][..]),
        ("annotations", &["meta.helm.sh/release-name", "meta.helm.sh/release-namespace"][..]),
    ] {
        for key in keys {
            let wanted = &desired["metadata"][place][key];
            if live["metadata"][place][key] != *wanted {
                missing[place][key] = wanted.clone();
            }
        }
    }
    (missing != json!({})).then_some(missing)
}

/// Deletes the Helm release, or the next upgrade or removal by Helm would affect objects that are no longer its own. This
/// comes first: as long as objects have Helm's marks, another run still knows that it takes over.
pub(super) fn forget_releases(live_state: &LiveState, plan: &mut Plan) {
    plan.steps.extend(live_state.releases.iter().map(release::forget));
}

/// Removes the marks of the other tool from every object that is kept.
pub(super) fn remove_marks(live_state: &LiveState, plan: &mut Plan) {
    let objects = live_state.objects.iter().map(|tried| (&tried.object.id, tried.live.known()));
    let existing = live_state.existing.iter().map(|(entry, seen)| (&entry.id, seen.known()));
    let all: Vec<(&Id, &Value)> = objects.chain(existing).filter_map(|(id, live)| Some((id, live?))).collect();
    let mut seen: Vec<&Id> = Vec::new();
    for (id, live) in &all {
        // The namespace may belong to another deployment than the stack's; then its marks are kept.
        let foreign = id.kind == "Namespace"
            && manager::of_live(live).is_some_and(|owner| {
                !all.iter()
                    .any(|(other, live)| other.kind != "Namespace" && manager::of_live(live).as_ref() == Some(&owner))
            });
        let removed = plan.steps.iter().any(|step| step.id == **id && step.removes());
        if foreign || removed || seen.contains(id) {
            continue;
        }
        seen.push(id);
        plan.steps.extend(release::of_object(id, live));
    }
}
