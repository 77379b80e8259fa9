//! Taking over objects from another tool: it must no longer treat them as its own.

use serde_json::{Map, Value, json};

use super::LiveState;
use crate::{
    repair::{
        diff,
        plan::{Action, Plan, Refusal, Step},
    },
    stack::{
        manager::{self, Manager},
        object::Id,
    },
};

/// The refusal: what to do instead of taking over, and how to take over.
pub(super) fn refusal(owner: &Manager) -> Refusal {
    let command = owner.deploy_command();
    let (instead, first) = match owner {
        Manager::Helm { .. } => (format!("{command}, with the values that you want"), ""),
        _ => (
            format!("{command}, after changing its source"),
            "; make that tool release the stack first, or it restores both",
        ),
    };
    Refusal::new(
        format!("the stack is managed by {owner}, which would revert the changes"),
        [
            instead.into(),
            format!("or add --take-over to remove its labels, annotations and field ownership{first}").into(),
        ],
    )
}

/// Deletes the Helm release, or the next upgrade or removal by Helm would affect objects that are no longer its own. This
/// comes first: as long as objects have Helm's marks, another run still knows that it takes over.
pub(super) fn forget_releases(live_state: &LiveState, plan: &mut Plan) {
    for (id, uid) in &live_state.releases {
        let delete = Action::Delete { uid: uid.clone() };
        plan.steps.push(Step::new(id.clone(), delete).because("it stores the Helm release that managed the stack"));
    }
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
        let patch = without_marks(live);
        if foreign || removed || seen.contains(id) || patch == json!({}) {
            continue;
        }
        seen.push(id);
        let changes = diff::touched(live, &patch);
        plan.steps.push(
            Step::new((*id).clone(), Action::Patch { patch, changes })
                .because("it is no longer managed by the other tool"),
        );
    }
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
