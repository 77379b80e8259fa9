//! Values checked against the schema of a CRD, where the API server cannot do it because it still serves an older one.
//!
//! This covers types, ranges, enumerations and unknown fields. It does not evaluate CEL rules.

use serde_json::Value;

/// The schema of the spec in a CRD for this kind. All versions have the same fields.
pub fn of_spec<'a>(crd: &'a Value, kind: &str) -> Option<&'a Value> {
    crd.pointer("/spec/names/kind").filter(|named| **named == kind)?;
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
}

/// The first field whose type differs from the schema, and the expected type.
pub fn wrong_type(value: &Value, schema: &Value, path: &str) -> Option<(String, String)> {
    first(value, schema, path, &|value, schema| {
        let expected = schema["type"].as_str()?;
        let fits = match expected {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "boolean" => value.is_boolean(),
            _ => true,
        };
        (!fits).then(|| expected.to_owned())
    })
}

/// Why the schema rejects a value, as a sentence without the value.
pub fn violation(value: &Value, schema: &Value, path: &str) -> Option<String> {
    let type_error =
        || wrong_type(value, schema, path).map(|(path, expected)| format!("{path} is not of type {expected}"));
    let range_error = || first(value, schema, path, &out_of_range).map(|(path, why)| format!("{path} {why}"));
    type_error().or_else(range_error)
}

fn out_of_range(value: &Value, schema: &Value) -> Option<String> {
    if let (Some(value), Some(least)) = (value.as_i64(), schema["minimum"].as_i64())
        && value < least
    {
        return Some(format!("is below {least}"));
    }
    if let (Some(value), Some(most)) = (value.as_i64(), schema["maximum"].as_i64())
        && value > most
    {
        return Some(format!("is above {most}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        return Some(format!("is not one of {}", allowed.join(", ")));
    }
    let unknown = value.as_object()?.keys().find(|key| {
        let known = schema["properties"].as_object();
        known.is_some_and(|known| !known.contains_key(*key)) && schema["additionalProperties"].is_null()
    })?;
    Some(format!("has no field {unknown}"))
}

/// The first field that fails a test, depth first, and the result of the test.
fn first(
    value: &Value,
    schema: &Value,
    path: &str,
    test: &dyn Fn(&Value, &Value) -> Option<String>,
) -> Option<(String, String)> {
    if let Some(why) = test(value, schema) {
        return Some((path.to_owned(), why));
    }
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let inner = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
            // The API server treats null as an absent field.
            if value.is_null() {
                return None;
            }
            first(value, inner, &format!("{path}.{key}"), test)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(number, item)| first(item, &schema["items"], &format!("{path}[{number}]"), test)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::{
        manifests::{Options, manifests},
        profile::MESHERY,
    };

    fn broker(spec: &Value) -> Option<String> {
        let objects = manifests(&MESHERY, "meshery", &Options::default());
        let schema = objects.iter().find_map(|object| of_spec(&object.body, "Broker")).expect("a CRD");
        violation(spec, schema, "spec")
    }

    #[test]
    fn violations_name_the_field_and_not_its_value() {
        for (spec, why) in [
            (json!({ "size": 1, "service": { "type": "NodePort", "annotations": { "any": "thing" } } }), None),
            (json!({ "size": null }), None),
            (json!({ "size": "a-secret" }), Some("spec.size is not of type integer")),
            (json!({ "size": 0 }), Some("spec.size is below 1")),
            (json!({ "size": 11 }), Some("spec.size is above 10")),
            (
                json!({ "service": { "type": "a-secret" } }),
                Some("spec.service.type is not one of ClusterIP, NodePort, LoadBalancer"),
            ),
            (json!({ "service": { "kind": "a-secret" } }), Some("spec.service has no field kind")),
        ] {
            assert_eq!(broker(&spec).as_deref(), why, "{spec}");
        }
    }

    #[test]
    fn stock_custom_resources_fit_our_crds() {
        let objects = manifests(&MESHERY, "meshery", &Options::default());
        for kind in ["Broker", "MeshSync"] {
            let schema = objects.iter().find_map(|object| of_spec(&object.body, kind)).expect("a CRD");
            let object = objects.iter().find(|object| object.id.kind == kind).expect("a custom resource");
            assert_eq!(violation(&object.body["spec"], schema, "spec"), None, "{kind}");
        }
    }
}
