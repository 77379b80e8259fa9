//! A copy of what is about to be removed.
//!
//! A backup must restore what it took, so the specifications of the custom resources stay as they are, with the
//! credentials in them. Everything else is redacted as in a recording, and a Secret's data is never kept.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    facts::redact,
    stack::{
        base::{
            files::{self, Existing, WriteError},
            sanitize,
        },
        inventory,
    },
};

/// What the API server keeps for itself, and what may hold a Secret's values a second time.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A backup that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the copy of what is removed cannot be written to {}: {source}", .path.display())]
pub struct BackupError {
    path: PathBuf,
    source: WriteError,
}

fn failed(path: &Path) -> impl FnOnce(WriteError) -> BackupError {
    |source| BackupError { path: path.to_owned(), source }
}

/// Where the copy goes: the file that was asked for or one of our choosing; a numbered one beside it when that is there,
/// since a run that goes on where another ended must not lose the copy of that.
///
/// # Errors
///
/// [`BackupError`] if something other than a regular file is there.
pub fn free_path(file: Option<PathBuf>, namespace: &str) -> Result<PathBuf, BackupError> {
    let path = file.unwrap_or_else(|| {
        let time = crate::cluster::now().strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("meshdoctor-backup-{namespace}-{time}.json"))
    });
    if !files::exists(&path).map_err(failed(&path))? {
        return Ok(path);
    }
    let numbered = |number: u32| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        let numbered = path.with_file_name(name);
        match path.extension() {
            Some(extension) => numbered.with_extension(extension),
            None => numbered,
        }
    };
    Ok((2..1000).map(numbered).find(|path| matches!(files::exists(path), Ok(false))).unwrap_or(path))
}

/// Writes the copy, whole or not at all, readable by its owner only. No file is ever overwritten. Whether it holds
/// credentials.
///
/// # Errors
///
/// [`BackupError`] when it cannot be written.
pub fn write(path: &Path, objects: Vec<Value>) -> Result<bool, BackupError> {
    let credentials = objects.iter().any(holds_credentials);
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": objects.into_iter().map(kept).collect::<Vec<_>>(),
    });
    let text = sanitize::json(&list);
    files::write(path, &text, Existing::Keep).map_err(failed(path))?;
    Ok(credentials)
}

/// Whether the copy can be written there, for one that is written later.
///
/// # Errors
///
/// [`BackupError`] when it cannot.
pub fn try_out(path: &Path) -> Result<(), BackupError> {
    files::try_out(path).map_err(failed(path))
}

/// Whether the specification of a custom resource holds what redaction would take out.
fn holds_credentials(object: &Value) -> bool {
    inventory::is_custom_resource(object) && plain(object["spec"].clone()) != object["spec"]
}

/// What a backup keeps of an object.
fn kept(object: Value) -> Value {
    let spec = inventory::is_custom_resource(&object).then(|| object["spec"].clone());
    let mut kept = without_secrets(object);
    if let Some(spec) = spec.filter(|spec| !spec.is_null()) {
        kept["spec"] = spec;
    }
    kept
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
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_stay_and_all_else_is_redacted() {
        let url = "nats://token@broker:4222";
        let redacted = "nats://REDACTED@broker:4222";
        let annotations = json!({ "from": url, LAST_APPLIED: url });
        let meshsync = json!({
            "apiVersion": "meshery.io/v1alpha1", "kind": "MeshSync",
            "metadata": { "name": "meshery-meshsync", "annotations": annotations },
            "spec": { "broker": { "custom": { "url": url } } },
            "status": { "publishing-to": url },
        });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" },
            "data": { "token": "dG9rZW4=" }, "stringData": { "token": "token" },
        });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a" },
            "spec": { "template": { "spec": { "containers": [{ "args": [url] }] } } },
        });
        assert!(holds_credentials(&meshsync));
        assert!(!holds_credentials(&deployment));
        let [meshsync, secret, deployment] = [meshsync, secret, deployment].map(kept);
        assert_eq!(meshsync["spec"]["broker"]["custom"]["url"], url);
        assert_eq!(meshsync["status"]["publishing-to"], redacted);
        assert_eq!(meshsync["metadata"]["annotations"], json!({ "from": redacted }));
        assert_eq!(secret["kind"], "Secret");
        assert!(secret["data"].is_null() && secret["stringData"].is_null());
        assert!(!deployment.to_string().contains("token@"), "{deployment}");
    }
}
