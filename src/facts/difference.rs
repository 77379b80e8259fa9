//! What an installation would change in an existing object: the live object is compared with the result of a dry run. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::report::change::ChangedField;

/// What applying a manifest would change in an existing object.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// Nothing.
    None,
    /// These fields.
    Changed(Vec<ChangedField>),
    /// These fields, and the object must be recreated: apply would leave parts of another manifest in place.
    Recreated(Vec<ChangedField>),
}

/// How often an object is read and tried again if something else changes it between the two requests.
pub const COMPARISONS: usize = 3;

/// Whether something else changed the object between the two requests: its change would look like ours. A dry run returns
/// the resource version that it began with. Parts of another manifest are found in the result alone.
pub fn is_disturbed(kind: &str, live: &Value, after: &Value, manifest: &Value) -> bool {
    live["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]
        && matches!(of_apply(kind, live, after, manifest), Difference::Changed(_))
}

/// Why an object with parts of another manifest is recreated.
pub const LEFTOVERS: &str = "leftovers of another manifest would remain";

/// Compares a live object with the result of applying a manifest to it.
pub fn of_apply(kind: &str, live: &Value, after: &Value, manifest: &Value) -> Difference {
    let changes = changes(live, after);
    let leftovers = if kind == "Deployment" { leftovers(after, manifest) } else { Vec::new() };
    if !leftovers.is_empty() {
        return Difference::Recreated(leftovers.into_iter().chain(changes).collect());
    }
    let changes = if kind == "CustomResourceDefinition" { of_crd(changes) } else { changes };
    if changes.is_empty() { Difference::None } else { Difference::Changed(changes) }
}

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

/// The changes of a CRD for a reader: no descriptions, and one line for each schema. Its conversion is changed separately.
pub fn of_crd(changes: Vec<ChangedField>) -> Vec<ChangedField> {
    let mut found = Vec::new();
    let mut schemas: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in changes.into_iter().filter(|change| !change.path.starts_with("spec.conversion")) {
        let Some((version, field)) = change.path.split_once(".schema.") else {
            found.push(short(change));
            continue;
        };
        if field.ends_with(".description") {
            continue;
        }
        let field = field.replace("openAPIV3Schema.", "").replace("properties.", "");
        schemas.entry(version.to_owned()).or_default().push(field);
    }
    found.extend(schemas.into_iter().map(|(version, fields)| ChangedField {
        path: format!("{version}.schema"),
        before: Some("current schema".into()),
        after: Some(format!("schema with a different {}", fields.join(", ")).into()),
    }));
    found
}

/// Whole schemas are too long for a reader.
fn short(change: ChangedField) -> ChangedField {
    let short = |value: Option<Value>| {
        value.map(|value| match value {
            Value::Object(_) | Value::Array(_) => json!("a different schema"),
            plain => plain,
        })
    };
    ChangedField { before: short(change.before), after: short(change.after), path: change.path }
}

/// Containers and volumes that are not in the manifest and that apply would leave in place.
fn leftovers(after: &Value, manifest: &Value) -> Vec<ChangedField> {
    let mut found = Vec::new();
    for list in ["containers", "volumes", "initContainers"] {
        let items = |object: &Value| -> Vec<Value> {
            object["spec"]["template"]["spec"][list].as_array().cloned().unwrap_or_default()
        };
        let wanted = items(manifest);
        for item in items(after) {
            if !wanted.iter().any(|known| known["name"] == item["name"]) {
                let name = item["name"].as_str().unwrap_or_default().to_owned();
                found.push(ChangedField {
                    path: format!("spec.template.spec.{list}[{name}]"),
                    before: Some(name.into()),
                    after: None,
                });
            }
        }
    }
    found
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

    #[test]
    fn descriptions_and_the_conversion_of_a_crd_are_no_change() {
        let version = |description: &str| json!([{ "name": "v1", "schema": { "openAPIV3Schema": { "properties": { "a": { "description": description } } } } }]);
        let live = json!({"spec": {"conversion": {"strategy": "None"}, "versions": version("one")}});
        let after = json!({"spec": {"conversion": {"strategy": "Webhook"}, "versions": version("other")}});
        assert_eq!(of_apply("CustomResourceDefinition", &live, &after, &json!({})), Difference::None);
        assert!(matches!(of_apply("Role", &live, &after, &json!({})), Difference::Changed(_)));
    }

    #[test]
    fn change_by_somebody_else_between_the_two_requests_is_noticed() {
        let of = |version: &str, revision: Option<&str>| json!({"metadata": {"resourceVersion": version, "annotations": {"revision": revision}}});
        let disturbed = |live, after| is_disturbed("Deployment", &live, &after, &json!({}));
        assert!(disturbed(of("1", None), of("2", Some("1"))));
        // Only its status has changed.
        assert!(!disturbed(of("1", Some("1")), of("2", Some("1"))));
        assert!(!disturbed(of("1", None), of("1", Some("1"))));
    }

    #[test]
    fn container_of_another_manifest_recreates_a_deployment() {
        let with = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
            json!({"spec": {"template": {"spec": {"containers": containers}}}})
        };
        let (both, one) = (with(&["manager", "proxy"]), with(&["manager"]));
        assert!(matches!(of_apply("Deployment", &both, &both, &one), Difference::Recreated(_)));
        assert_eq!(of_apply("Deployment", &one, &one, &one), Difference::None);
    }
}
