//! The configuration of the controllers.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::parse;
use crate::{
    facts::server::config::{ConfigField, FIELDS, TOO_LARGE},
    observe::server::answer::shown,
    stack::base::{
        failure::{Failure, Kind},
        limits,
    },
};

/// The known fields that some layer sets.
pub(in crate::observe::server) fn config(text: &str) -> Result<Vec<ConfigField>, Failure> {
    #[derive(Deserialize)]
    struct Layers {
        #[serde(rename = "default")]
        general: Option<Value>,
        #[serde(rename = "override")]
        own: Option<Value>,
        effective: Option<Value>,
    }
    let Layers { general, own, effective } = parse(text)?;
    if effective.is_none() && own.is_none() && general.is_none() {
        return Err(Failure::new(Kind::Malformed, "its answer contains no configuration"));
    }
    let of = |layer: &Option<Value>, field: &str| {
        let pointer = format!("/{}", field.replace('.', "/"));
        layer.as_ref()?.pointer(&pointer).and_then(value)
    };
    let fields = FIELDS.iter().map(|field| ConfigField {
        field: (*field).to_owned(),
        general: of(&general, field),
        own: of(&own, field),
        effective: of(&effective, field),
    });
    Ok(fields.filter(|field| field.general.is_some() || field.own.is_some() || field.effective.is_some()).collect())
}

/// A value without credentials and control characters. `None` if it is null.
fn value(raw: &Value) -> Option<Value> {
    if raw.is_null() {
        return None;
    }
    Some(within(raw, 4).unwrap_or_else(|| TOO_LARGE.into()))
}

/// The same, up to this depth. `None` if it is larger than the limits.
fn within(raw: &Value, depth: usize) -> Option<Value> {
    match raw {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(raw.clone()),
        Value::String(text) => (text.len() <= limits::SERVER_TEXT).then(|| shown(text).into()),
        _ if depth == 0 => None,
        Value::Array(items) if items.len() <= limits::SERVER_CONFIG_ITEMS => {
            items.iter().map(|item| within(item, depth - 1)).collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        Value::Object(fields) if fields.len() <= limits::SERVER_CONFIG_ITEMS => {
            let shown = |(key, item): (&String, &Value)| {
                (key.len() <= limits::SERVER_TEXT).then_some(())?;
                Some((shown(key), within(item, depth - 1)?))
            };
            fields.iter().map(shown).collect::<Option<Map<String, Value>>>().map(Value::Object)
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(answer: &Value) -> Vec<ConfigField> {
        config(&answer.to_string()).expect("a configuration")
    }

    #[test]
    fn known_fields_of_every_layer_are_read() {
        let watched = json!({ "whitelist": [{ "resource": "pods.v1.", "events": ["ADDED"] }] });
        let all = fields(&json!({
            "override": { "meshsync": { "replicas": 2, "watchList": watched }, "operator": { "password": "secret" } },
            "default": { "meshsync": { "replicas": 3, "redactSecrets": null } },
            "effective": { "meshsync": { "replicas": 2 }, "broker": { "service": { "type": "NodePort" } } },
        }));
        let names: Vec<&str> = all.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["meshsync.replicas", "meshsync.watchList", "broker.service.type"]);
        let replicas = &all[0];
        assert_eq!(
            (&replicas.own, &replicas.general, &replicas.effective),
            (&Some(json!(2)), &Some(json!(3)), &Some(json!(2)))
        );
        assert_eq!(all[1].own, Some(watched));
        assert!(config("{}").is_err() && config("[]").is_err());
    }

    #[test]
    fn hostile_values_are_cleaned_or_left_out() {
        let long = "x".repeat(limits::SERVER_TEXT + 1);
        let many = vec!["a"; limits::SERVER_CONFIG_ITEMS + 1];
        let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
        let all = fields(&json!({ "override": {
            "meshsync": { "version": "a\u{1b}[2Jb\u{202e}", "outputNamespaces": many, "outputResources": deep },
            "broker": { "version": long, "service": { "annotations": { "k\u{7}": "Bearer abcdefghijklmnop" } } },
        } }));
        let of = |name: &str| all.iter().find(|field| field.field == name).and_then(|field| field.own.clone());
        for name in ["meshsync.outputNamespaces", "meshsync.outputResources", "broker.version"] {
            assert_eq!(of(name), Some(TOO_LARGE.into()), "{name}");
        }
        let text = serde_json::to_string(&all).expect("JSON");
        assert!(
            !text.contains("abcdefghijklmnop") && !text.contains("\\u001b") && !text.contains('\u{202e}'),
            "{text}"
        );
    }
}
