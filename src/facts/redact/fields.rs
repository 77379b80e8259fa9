//! Redacts single fields of objects, as a plan shows them.

use serde_json::{Map, Value};

use super::{REDACTED, address, arguments, is_harmless_annotation, shown_variable, text};

/// The displayed value of a field.
///
/// `path` is written as in a plan: `spec.template.spec.containers[manager].args`, `metadata.annotations[a.b/c]`.
pub fn field(kind: &str, path: &str, value: &Value) -> Value {
    let mut value = value.clone();
    redact(kind, &keys(path), &mut value);
    value
}

/// The keys of a path. Names of list items and keys in brackets are keys as well.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut key = String::new();
    let mut brackets = false;
    for c in path.chars() {
        match c {
            '.' | '[' | ']' if !brackets || c == ']' => {
                if !key.is_empty() {
                    keys.push(std::mem::take(&mut key));
                }
                brackets = c == '[';
            }
            c => key.push(c),
        }
    }
    if !key.is_empty() {
        keys.push(key);
    }
    keys
}

fn redact(kind: &str, keys: &[String], value: &mut Value) {
    let key = |back: usize| keys.len().checked_sub(back).map_or("", |n| keys[n].as_str());
    let rule = match (key(3), key(2), key(1)) {
        (_, _, "args" | "command") => Rule::Arguments,
        ("env", name, "value") => Rule::Variable(name.to_owned()),
        (_, "annotations", name) if !is_harmless_annotation(name) => Rule::Secret,
        (_, "data" | "stringData" | "binaryData", _) if kind == "Secret" => Rule::Secret,
        (_, _, "httpHeaders") => Rule::Secret,
        (_, _, "url" | "externalEndpointOverride" | "publishing-to" | "external" | "internal") => Rule::Address,
        _ => Rule::Text,
    };
    match (rule, &mut *value) {
        (Rule::Secret, value) => *value = REDACTED.into(),
        (_, Value::Object(fields)) => {
            for (name, inner) in fields {
                let mut path = keys.to_vec();
                path.push(name.clone());
                redact(kind, &path, inner);
            }
        }
        (Rule::Arguments, Value::Array(items)) => {
            let mut words: Vec<String> =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
            arguments(&mut words, key(1) == "command");
            *items = words.into_iter().map(Value::String).collect();
        }
        (_, Value::Array(items)) => {
            for inner in items {
                // A named list item is found by its name in a path, too.
                let mut path = keys.to_vec();
                path.extend(inner["name"].as_str().map(str::to_owned));
                redact(kind, &path, inner);
            }
        }
        (Rule::Arguments, Value::String(string)) => REDACTED.clone_into(string),
        (Rule::Variable(name), Value::String(string)) => *string = shown_variable(&name, string),
        (Rule::Address, Value::String(string)) => *string = address(string),
        (Rule::Text, Value::String(string)) => *string = text(string).into_owned(),
        (_, _) => {}
    }
}

enum Rule {
    Address,
    Arguments,
    Secret,
    Text,
    Variable(String),
}

/// Of the watch-list `ConfigMap`, only the two lists are kept. Its other content may be private.
pub(crate) fn watch_list(list: &mut Value) {
    let Some(fields) = list.as_object_mut() else {
        return super::value(list);
    };
    for (key, value) in fields {
        match value {
            Value::Object(data) if key == "data" => only_lists(data),
            other => super::value(other),
        }
    }
}

fn only_lists(data: &mut Map<String, Value>) {
    for (key, value) in data {
        if matches!(key.as_str(), "whitelist" | "blacklist") {
            super::value(value);
        } else {
            *value = REDACTED.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_split_into_keys() {
        assert_eq!(keys("metadata.annotations[a.b/c.d].x[e]"), ["metadata", "annotations", "a.b/c.d", "x", "e"]);
    }

    #[test]
    fn plans_show_no_credentials() {
        for (path, value, shown) in [
            ("spec.broker.custom.url", json!("nats://S3,EED@h:1"), json!("nats://REDACTED@h:1")),
            (
                "spec.template.spec.containers[manager].args",
                json!(["--token", "SEED", "--v=10"]),
                json!(["--token", "REDACTED", "--v=10"]),
            ),
            ("spec.template.spec.containers[manager].env[TOKEN].value", json!("SEED"), json!("REDACTED")),
            (
                "spec.template.spec.containers[manager].env[DEBUG]",
                json!({"name": "DEBUG", "value": "true"}),
                json!({"name": "DEBUG", "value": "true"}),
            ),
            ("metadata.annotations[example.com/note]", json!("SEED"), json!("REDACTED")),
            (
                "spec.template.spec.containers",
                json!([{"name": "proxy", "command": ["sh", "-c", "SEED"],
                    "env": [{"name": "A", "value": "SEED"}]}]),
                json!([{"name": "proxy", "command": ["sh", "-c", "REDACTED"],
                    "env": [{"name": "A", "value": "REDACTED"}]}]),
            ),
            ("spec.replicas", json!(3), json!(3)),
            (
                "spec.template.spec.containers[manager].image",
                json!("nats:2.10@sha256:0123"),
                json!("nats:2.10@sha256:0123"),
            ),
        ] {
            assert_eq!(field("Deployment", path, &value), shown, "{path}");
        }
        assert_eq!(field("Secret", "data.token", &json!("U0VFRA==")), json!("REDACTED"));
    }
}
