//! A copy of what is about to be removed: a recording, and so without secrets.

use std::{fs, io::Write, path::PathBuf};

use serde_json::{Value, json};

use super::object::Id;
use crate::{redact, words};

/// What the API server keeps for itself, and what may hold a Secret's values a second time.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Writes the copy, whole or not at all, and returns the file's name. No file is ever overwritten.
///
/// # Errors
///
/// A sentence when it cannot be written.
pub fn write(
    file: Option<PathBuf>,
    namespace: &str,
    objects: Vec<Value>,
) -> Result<String, String> {
    let path = file.unwrap_or_else(|| {
        let time = crate::repair::now().strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("meshdoctor-backup-{namespace}-{time}.json"))
    });
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": objects.into_iter().map(without_secrets).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&list).unwrap_or_default() + "\n";
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(|error| {
            format!(
                "the copy of what is removed cannot be written to {}: {}",
                path.display(),
                words::io(&error)
            )
        })?;
    Ok(path.display().to_string())
}

/// The specification that a copy holds of a custom resource.
pub fn specification(objects: &[Value], id: &Id) -> Option<Value> {
    let copy = objects.iter().find(|object| {
        object["kind"] == id.kind.as_str()
            && object["metadata"]["name"] == id.name.as_str()
            && object["apiVersion"]
                .as_str()
                .and_then(|version| version.split('/').next())
                == Some(id.group())
    })?;
    Some(copy["spec"].clone()).filter(Value::is_object)
}

fn without_secrets(mut object: Value) -> Value {
    if object["kind"] == "Secret"
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("data");
        fields.remove("stringData");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove(LAST_APPLIED);
        }
    }
    plain(object)
}

/// Takes credentials out of every address, wherever it stands.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact::urls(&text)),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, plain(value)))
            .collect(),
        other => other,
    }
}
