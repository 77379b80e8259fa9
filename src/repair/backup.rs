//! A copy of what is about to be removed: a recording, and so without secrets.

use std::{
    fs,
    io::{self, Write},
    iter,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::object::Id;
use crate::{redact, words};

/// What the API server keeps for itself, and what may hold a Secret's values a second time.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Where the copy goes: the file that was asked for or one of our choosing; a numbered one beside it when that is there,
/// since a run that goes on where another ended must not lose the copy of that.
pub fn free_path(file: Option<PathBuf>, namespace: &str) -> PathBuf {
    let path = file.unwrap_or_else(|| {
        let time = crate::repair::now().strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("meshdoctor-backup-{namespace}-{time}.json"))
    });
    let numbered = |number: u32| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        let numbered = path.with_file_name(name);
        match path.extension() {
            Some(extension) => numbered.with_extension(extension),
            None => numbered,
        }
    };
    iter::once(path.clone())
        .chain((2..1000).map(numbered))
        .find(|path| !path.exists())
        .unwrap_or(path)
}

/// Writes the copy, whole or not at all. No file is ever overwritten.
///
/// # Errors
///
/// A sentence when it cannot be written.
pub fn write(path: &Path, objects: Vec<Value>) -> Result<(), String> {
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": objects.into_iter().map(without_secrets).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&list).unwrap_or_default() + "\n";
    create(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .map_err(|error| complaint(path, &error))
}

/// Whether the copy can be written there, for one that is written later.
///
/// # Errors
///
/// A sentence when it cannot.
pub fn try_out(path: &Path) -> Result<(), String> {
    create(path)
        .and_then(|_| fs::remove_file(path))
        .map_err(|error| complaint(path, &error))
}

fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
}

fn complaint(path: &Path, error: &io::Error) -> String {
    format!(
        "the copy of what is removed cannot be written to {}: {}",
        path.display(),
        words::io(error)
    )
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
