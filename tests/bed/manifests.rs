//! Objects from YAML text with blanks to fill.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Parses the documents of a YAML (or JSON) text; empty ones do not count.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    let mut objects = documents.collect::<Result<Vec<_>, _>>().context("not the YAML of Kubernetes objects")?;
    objects.retain(|object| !object.is_null());
    Ok(objects)
}

/// Replaces each `${name}` and parses the result. A blank that nobody fills is an error.
pub fn fill(template: &str, values: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    let rest = text.split_once("${").map(|(_, rest)| rest.split('}').next().unwrap_or_default());
    ensure!(rest.is_none(), "the template's ${{{}}} was not given", rest.unwrap_or_default());
    parse(&text)
}

/// This moment as Kubernetes writes it in Leases.
#[allow(clippy::disallowed_methods)]
pub fn now_exactly() -> String {
    k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// This moment as Kubernetes writes it in statuses.
#[allow(clippy::disallowed_methods)]
pub fn now() -> String {
    k8s_openapi::jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
