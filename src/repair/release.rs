//! Releasing a stack from the tools that manage it, for a deployment or a removal that takes over.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    diff,
    plan::{Action, Step},
};
use crate::stack::{
    manager::{self, Manager},
    object::Id,
};

/// All managers in a sentence.
pub(super) fn named(owners: &BTreeSet<Manager>) -> String {
    owners.iter().map(Manager::to_string).collect::<Vec<_>>().join(" and by ")
}

/// The step that deletes a record of a Helm release.
pub(super) fn forget((id, uid): &(Id, String)) -> Step {
    let delete = Action::Delete { uid: uid.clone() };
    Step::new(id.clone(), delete).because("it stores the Helm release that managed the stack")
}

/// The step that removes the marks from an object. `None` if it has none.
pub(super) fn of_object(id: &Id, live: &Value) -> Option<Step> {
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
