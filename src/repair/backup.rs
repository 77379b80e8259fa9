//! The backup of the objects to remove.
//!
//! A backup must be restorable, so the specs of custom resources are kept unchanged, including their credentials.
//! Everything else is redacted as in a recording, and the data of a Secret is never kept.

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

/// The annotation of `kubectl apply`, which may contain the values of a Secret.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How many earlier backups are looked at.
const EARLIER: usize = 5;

/// A backup that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the backup to {}: {source}", .path.display())]
pub struct BackupError {
    path: PathBuf,
    source: WriteError,
}

fn failed(path: &Path) -> impl FnOnce(WriteError) -> BackupError {
    |source| BackupError { path: path.to_owned(), source }
}

/// The backup file: the requested one or one with a default name. If it exists, a number is added to the name, because a
/// run that continues another one must not overwrite its backup.
///
/// # Errors
///
/// [`BackupError`] if the path exists and is not a regular file.
pub fn free_path(file: Option<PathBuf>, namespace: &str) -> Result<PathBuf, BackupError> {
    let path = file.unwrap_or_else(|| {
        let time = crate::cluster::now().strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("meshdoctor-backup-{namespace}-{time}.json"))
    });
    if !files::exists(&path).map_err(failed(&path))? {
        return Ok(path);
    }
    Ok((2..1000).map(|number| numbered(&path, number)).find(|path| is_free(path)).unwrap_or(path))
}

fn is_free(path: &Path) -> bool {
    matches!(files::exists(path), Ok(false))
}

/// The same file with a number in its name.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    let numbered = path.with_file_name(name);
    match path.extension() {
        Some(extension) => numbered.with_extension(extension),
        None => numbered,
    }
}

/// The backups that earlier runs with the same arguments may have written, newest first.
pub fn earlier(file: Option<&Path>, namespace: &str) -> Vec<PathBuf> {
    if let Some(file) = file {
        let others = (2..1000).map(|number| numbered(file, number)).take_while(|path| !is_free(path));
        let mut all: Vec<PathBuf> = std::iter::once(file.to_owned()).chain(others).collect();
        all.reverse();
        all.truncate(EARLIER);
        return all;
    }
    let prefix = format!("meshdoctor-backup-{namespace}-");
    let names =
        std::fs::read_dir(".").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| {
            name.starts_with(&prefix) && Path::new(name).extension().is_some_and(|extension| extension == "json")
        })
        .collect();
    // The time in a name sorts by itself.
    names.sort_by(|one, other| other.cmp(one));
    names.into_iter().take(EARLIER).map(PathBuf::from).collect()
}

/// Writes the backup atomically, readable by its owner only. No file is ever overwritten. Returns whether it contains
/// credentials.
///
/// # Errors
///
/// [`BackupError`] if it cannot be written.
pub fn write(path: &Path, objects: Vec<Value>) -> Result<bool, BackupError> {
    let credentials = objects.iter().any(has_credentials);
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": objects.into_iter().map(kept).collect::<Vec<_>>(),
    });
    let text = sanitize::json(&list);
    files::write(path, &text, Existing::Keep).map_err(failed(path))?;
    Ok(credentials)
}

/// Checks that the backup can be written there later.
///
/// # Errors
///
/// [`BackupError`] if it cannot.
pub fn try_out(path: &Path) -> Result<(), BackupError> {
    files::try_out(path).map_err(failed(path))
}

/// Whether the spec of a custom resource contains something that redaction would remove.
fn has_credentials(object: &Value) -> bool {
    inventory::is_custom_resource(object) && plain(object["spec"].clone()) != object["spec"]
}

/// An object as the backup keeps it.
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

/// Removes credentials from every address in a value.
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
    fn specs_are_kept_and_everything_else_is_redacted() {
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
        assert!(has_credentials(&meshsync));
        assert!(!has_credentials(&deployment));
        let [meshsync, secret, deployment] = [meshsync, secret, deployment].map(kept);
        assert_eq!(meshsync["spec"]["broker"]["custom"]["url"], url);
        assert_eq!(meshsync["status"]["publishing-to"], redacted);
        assert_eq!(meshsync["metadata"]["annotations"], json!({ "from": redacted }));
        assert_eq!(secret["kind"], "Secret");
        assert!(secret["data"].is_null() && secret["stringData"].is_null());
        assert!(!deployment.to_string().contains("token@"), "{deployment}");
    }
}
