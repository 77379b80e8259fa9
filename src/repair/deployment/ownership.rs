//! Taking over objects from another tool: it must no longer treat them as its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::LiveState;
use crate::{
    repair::{
        diff,
        plan::{Action, Advice, Plan, Refusal, Step},
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
        format!("the stack is managed by {}, which would revert the changes", named(owners)),
        instead.chain([take_over]),
    )
}

/// All managers in a sentence.
pub(in crate::repair) fn named(owners: &BTreeSet<Manager>) -> String {
    owners.iter().map(Manager::to_string).collect::<Vec<_>>().join(" and by ")
}

/// The step that deletes a record of a Helm release.
pub(in crate::repair) fn forget((id, uid): &(Id, String)) -> Step {
    let delete = Action::Delete { uid: uid.clone() };
    Step::new(id.clone(), delete).because("it stores the Helm release that managed the stack")
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
    plan.steps.extend(live_state.releases.iter().map(forget));
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
        plan.steps.extend(release_object(id, live));
    }
}

/// The step that removes the marks from an object. `None` if it has none.
pub(in crate::repair) fn release_object(id: &Id, live: &Value) -> Option<Step> {
    let patch = without_marks(live);
    if patch == json!({}) {
        return None;
    }
    let changes = diff::touched(live, &patch);
    let step = Step::new(id.clone(), Action::Patch { patch, changes });
    Some(step.because("it is no longer managed by the other tool"))
}

/// The merge patch that removes the marks from an object; empty if it has none.
fn without_marks(live: &Value) -> Value {
    let metadata = &live["metadata"];
    let known = manager::marks(live);
    let mut patch = Map::new();
    for place in ["labels", "annotations"] {
        let marks: Map<String, Value> = metadata[place]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| known.contains(key))
            .map(|(key, _)| (key.clone(), Value::Null))
            .collect();
        if !marks.is_empty() {
            patch.insert(place.into(), Value::Object(marks));
        }
    }
    if patch.is_empty() {
        return json!({});
    }
    if metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm" {
        patch
            .entry("labels")
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .map(|labels| labels.insert("app.kubernetes.io/managed-by".into(), Value::Null));
    }
    json!({ "metadata": patch })
}
