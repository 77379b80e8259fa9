//! The changed fields of an object. Pure.

use serde_json::{Map, Value};

use crate::report::change::ChangedField;

/// Fields that only the API server writes.
const SERVERS_OWN: &[&str] = &["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];

/// The differences between two versions of an object, in the order of their paths.
///
/// Fields of the API server and the status are left out. List items with names are compared by name, so that a removed
/// container does not look like a change of all containers after it.
pub fn changes(before: &Value, after: &Value) -> Vec<ChangedField> {
    let mut found = Vec::new();
    compare(&manifest(before), &manifest(after), "", &mut found);
    found
}

/// An object without the fields that only the API server writes.
pub fn manifest(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            for own in SERVERS_OWN {
                metadata.remove(*own);
            }
        }
    }
    object
}

fn compare(before: &Value, after: &Value, path: &str, found: &mut Vec<ChangedField>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            compare_fields(before, after, path, found);
        }
        (Value::Array(before), Value::Array(after)) => compare_items(before, after, path, found),
        _ if before == after => {}
        _ => {
            found.push(ChangedField {
                path: path.to_owned(),
                before: Some(before.clone()),
                after: Some(after.clone()),
            });
        }
    }
}

fn compare_fields(before: &Map<String, Value>, after: &Map<String, Value>, path: &str, found: &mut Vec<ChangedField>) {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = join(path, key);
        one(before.get(key), after.get(key), path, found);
    }
}

fn compare_items(before: &[Value], after: &[Value], path: &str, found: &mut Vec<ChangedField>) {
    let name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
    let names: Option<Vec<String>> = before.iter().chain(after).map(name).collect();
    let Some(mut names) = names.filter(|names| !names.is_empty()) else {
        // Without names the position has no meaning: the list is one value.
        if before != after {
            found.push(ChangedField {
                path: path.to_owned(),
                before: Some(Value::Array(before.to_vec())),
                after: Some(Value::Array(after.to_vec())),
            });
        }
        return;
    };
    names.sort();
    names.dedup();
    for wanted in names {
        let item = |items: &[Value]| items.iter().find(|item| name(item).as_deref() == Some(wanted.as_str())).cloned();
        let path = format!("{path}[{wanted}]");
        one(item(before).as_ref(), item(after).as_ref(), path, found);
    }
}

fn one(before: Option<&Value>, after: Option<&Value>, path: String, found: &mut Vec<ChangedField>) {
    match (before, after) {
        (Some(before), Some(after)) => compare(before, after, &path, found),
        (None, None) => {}
        (before, after) => found.push(ChangedField { path, before: before.cloned(), after: after.cloned() }),
    }
}

/// A path with one more key. Keys with dots or slashes, such as those of labels, are in brackets.
fn join(path: &str, key: &str) -> String {
    if key.contains(['.', '/']) {
        format!("{path}[{key}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        changes(before, after).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn fields_of_the_api_server_are_not_a_change() {
        let before = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "5"}, "status": {"x": 1}});
        let after = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "6"}});
        assert_eq!(changes(&before, &after), Vec::new());
    }

    #[test]
    fn named_items_are_compared_by_name() {
        let before = json!({"c": [{"name": "proxy", "image": "p"}, {"name": "manager", "image": "m:1"}]});
        let after = json!({"c": [{"name": "manager", "image": "m:2"}]});
        assert_eq!(paths(&before, &after), ["c[manager].image", "c[proxy]"]);
    }

    #[test]
    fn items_without_names_are_one_value() {
        let before = json!({"args": ["a", "b"]});
        let after = json!({"args": ["a"]});
        assert_eq!(paths(&before, &after), ["args"]);
    }

    #[test]
    fn keys_with_dots_are_in_brackets() {
        let before = json!({"metadata": {"labels": {}}});
        let after = json!({"metadata": {"labels": {"app.kubernetes.io/name": "x"}}});
        assert_eq!(paths(&before, &after), ["metadata.labels[app.kubernetes.io/name]"]);
    }
}
