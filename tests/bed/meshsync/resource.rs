//! Converts an object of the cluster to the format that MeshSync publishes.

use serde_json::{Map, Value, json};

/// The published form of an object. Empty fields are omitted, except for those that are always present.
pub(crate) fn of(object: &Value, event: &str, cluster_id: &str) -> Value {
    let mut resource = Map::new();
    let mut put = |name: &str, value: Value| resource.insert(name.to_owned(), value);
    put("id", "".into());
    put("apiVersion", object["apiVersion"].clone());
    put("kind", object["kind"].clone());
    put("model", "".into());
    put("metadata", metadata(&object["metadata"]));
    for name in ["spec", "status"] {
        if let Some(part) = object.get(name) {
            put(name, json!({"id": "", "attribute": text(part)}));
        }
    }
    put("cluster_id", cluster_id.into());
    put("pattern_resource", Value::Null);
    put("component_metadata", component_metadata(object, event));
    for name in ["immutable", "data", "binaryData", "stringData", "type"] {
        if let Some(part) = object.get(name) {
            put(name, unquoted(part).into());
        }
    }
    Value::Object(resource)
}

fn metadata(of: &Value) -> Value {
    let mut metadata = Map::new();
    let mut put = |name: &str, value: Value| metadata.insert(name.to_owned(), value);
    put("id", "".into());
    for name in [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        if let Some(value) = of.get(name) {
            put(name, value.clone());
        }
    }
    for (name, kind) in [("labels", "label"), ("annotations", "annotation")] {
        let entries = of[name].as_object().into_iter().flatten();
        let entries: Vec<Value> = entries.map(|(key, value)| pair(kind, key, value)).collect();
        if !entries.is_empty() {
            put(name, entries.into());
        }
    }
    for name in ["ownerReferences", "finalizers"] {
        if let Some(list) = of.get(name) {
            put(name, text(list).into());
        }
    }
    put("cluster_id", "".into());
    Value::Object(metadata)
}

fn pair(kind: &str, key: &str, value: &Value) -> Value {
    let mut pair = json!({"id": "", "unique_id": "", "kind": kind, "key": key});
    let value = unquoted(value);
    if !value.is_empty() {
        pair["value"] = value.into();
    }
    pair
}

/// The connection that Meshery Server can create for a Service, with the URLs of the last port.
///
/// If a load balancer has an address, the real MeshSync connects to it and omits the whole field if it cannot. Here it
/// never can.
fn component_metadata(service: &Value, event: &str) -> Value {
    let balanced = service["status"]["loadBalancer"]["ingress"].is_array();
    if service["kind"] != "Service" || event == "DELETED" || balanced {
        return Value::Null;
    }
    let last = service["spec"]["ports"].as_array().and_then(|ports| ports.last());
    let number = |name: &str| last.and_then(|port| port[name].as_u64()).unwrap_or_default();
    let address = service["spec"]["clusterIP"].as_str().unwrap_or_default();
    let mut urls = Vec::new();
    if number("nodePort") != 0 {
        urls.push(url("localhost", number("nodePort")));
    }
    if !address.eq_ignore_ascii_case("none") {
        urls.push(url(address, number("port")));
    }
    json!({"capabilities": {"connection": true, "urls": urls}})
}

fn url(host: &str, port: u64) -> String {
    let scheme = if port == 443 { "https" } else { "http" };
    format!("{scheme}://{host}:{port}")
}

/// A value as JSON text; a string without its quotes, but still escaped.
fn unquoted(value: &Value) -> String {
    let text = text(value);
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.map(str::to_owned).unwrap_or(text)
}

/// A value as JSON text with sorted keys and escaped HTML characters, as Go writes it.
fn text(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
