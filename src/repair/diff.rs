//! The merge patch that changes an object, and what it changes. Pure.

use serde_json::{Map, Value};

use crate::{facts::difference::changes, report::change::ChangedField};

/// The merge patch from a live value to the desired one; empty if nothing differs. Other fields are kept, or removed by a
/// null with `exactly`.
pub fn merge_patch(live: &Value, wanted: &Value, exactly: bool) -> Value {
    let (Value::Object(live), Value::Object(wanted)) = (live, wanted) else {
        return if live == wanted { Value::Object(Map::new()) } else { wanted.clone() };
    };
    let mut patch = Map::new();
    for (key, value) in wanted {
        match (live.get(key), value) {
            (None, Value::Null) => {}
            (Some(before), after) if before == after => {}
            (Some(before @ Value::Object(_)), after @ Value::Object(_)) => {
                let inner = merge_patch(before, after, exactly);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            (_, after) => {
                patch.insert(key.clone(), after.clone());
            }
        }
    }
    if exactly {
        for key in live.keys().filter(|key| !wanted.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    Value::Object(patch)
}

/// What a merge patch changes in an object.
pub fn touched(live: &Value, patch: &Value) -> Vec<ChangedField> {
    changes(live, &merged(live, patch))
}

fn merged(live: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut fields = live.as_object().cloned().unwrap_or_default();
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            let before = fields.get(key).cloned().unwrap_or_default();
            fields.insert(key.clone(), merged(&before, value));
        }
    }
    Value::Object(fields)
}
