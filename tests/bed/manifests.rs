//! Objects from YAML templates.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Parses the documents of a YAML (or JSON) text; skips empty ones.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    let mut objects = documents.collect::<Result<Vec<_>, _>>().context("the text is not YAML of Kubernetes objects")?;
    objects.retain(|object| !object.is_null());
    Ok(objects)
}

/// Replaces each `${name}` and parses the result. A placeholder without a value is an error.
pub fn fill(template: &str, values: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let rest = text.split_once("${").map(|(_, rest)| rest.split('}').next().unwrap_or_default());
    ensure!(rest.is_none(), "the template's ${{{}}} has no value", rest.unwrap_or_default());
    parse(&text)
}

/// The current time in the format of Leases, precise enough for logs.
#[allow(clippy::disallowed_methods)]
pub fn now_exactly() -> String {
    k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// The current time in the format of statuses.
#[allow(clippy::disallowed_methods)]
pub fn now() -> String {
    k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
