//! Taking over what another tool manages: it must no longer find the objects among its own.

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

/// What to do instead of taking over, and how to take over.
pub(super) fn refusal(owner: &Manager) -> Refusal {
    let command = owner.deploy_command();
    let (instead, first) = match owner {
        Manager::Helm { .. } => (format!("{command}, with the values that you mean"), ""),
        _ => (
            format!("{command}, after a change of what it deploys from"),
            "; have that tool let go of the stack first, or it puts both back",
        ),
    };
    Refusal::new(
        format!("the stack is managed by {owner}, which would undo what we do"),
        [instead, format!("the same command with --take-over, which takes its marks and fields away{first}")],
    )
}

/// Helm must not remember the release, or its next upgrade or removal would meet what is no longer its own. First of
/// all: as long as objects bear the marks, another run still knows that it is taking over.
pub(super) fn forget_releases(standing: &LiveState, plan: &mut Plan) {
    for (id, uid) in &standing.releases {
        let delete = Action::Delete { uid: uid.clone() };
        plan.steps.push(Step::new(id.clone(), delete).because("in it Helm remembers the release as its own"));
    }
}

/// Takes the marks off every object that stays.
pub(super) fn take_marks(standing: &LiveState, plan: &mut Plan) {
    let objects = standing.objects.iter().map(|tried| (&tried.object.id, tried.live.known()));
    let belongings = standing.belongings.iter().map(|(belonging, seen)| (&belonging.id, seen.known()));
    let all: Vec<(&Id, &Value)> = objects.chain(belongings).filter_map(|(id, live)| Some((id, live?))).collect();
    let mut seen: Vec<&Id> = Vec::new();
    for (id, live) in &all {
        // A namespace may be some other deployment's than the stack, and stays that one's.
        let foreign = id.kind == "Namespace"
            && manager::of_live(live).is_some_and(|owner| {
                !all.iter()
                    .any(|(other, live)| other.kind != "Namespace" && manager::of_live(live).as_ref() == Some(&owner))
            });
        let goes = plan.steps.iter().any(|step| step.id == **id && step.removes());
        let patch = without_marks(live);
        if foreign || goes || seen.contains(id) || patch == json!({}) {
            continue;
        }
        seen.push(id);
        let changes = diff::touched(live, &patch);
        plan.steps.push(
            Step::new((*id).clone(), Action::Patch { patch, changes })
                .because("the tool that managed it no longer does"),
        );
    }
}

/// The merge patch that takes the marks off an object; empty when it bears none.
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
