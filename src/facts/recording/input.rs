//! Reads the content of files, before it is interpreted.

use std::{collections::BTreeMap, path::Path};

use k8s_openapi::{
    Resource, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition, jiff::Timestamp,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RecordingError;
use crate::{
    facts::{
        observed::{self, Object, Observed},
        redact::Redact,
    },
    stack::{
        base::{limits, reader, usage::UsageError, words},
        object::group_of,
        profile::{self, Profile},
    },
};

/// The content of a file or folder, before it is interpreted.
#[derive(Debug, Default)]
pub struct Input {
    /// Every Kubernetes object. Lists are split into their items.
    pub(crate) objects: Vec<Value>,
    /// Kinds that a file name covers even with an empty list: `pods`, `brokers.v1alpha2`.
    pub(crate) asked: Vec<String>,
    /// `/version`.
    pub(crate) version: Option<Value>,
    /// `/varz` and `/connz` by pod.
    pub(crate) monitors: BTreeMap<String, Monitor>,
}

/// The answers of a broker pod's monitor.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    pub(crate) varz: Option<Value>,
    pub(crate) connz: Option<Value>,
}

impl Input {
    pub(super) fn load(path: &str) -> Result<Self, UsageError> {
        let mut input = Self::default();
        if path != "-" && Path::new(path).is_dir() {
            input.add_folder(Path::new(path))?;
        } else {
            let shown = shown(path);
            let text =
                reader::text_or_input(path, limits::RECORDING).map_err(|why| UsageError::unreadable(shown, why))?;
            input.add_text(shown, &text)?;
        }
        Ok(input)
    }

    pub(super) fn add_folder(&mut self, folder: &Path) -> Result<(), UsageError> {
        let unreadable = |why: String| UsageError::unreadable(format!("the folder {}", folder.display()), why);
        let failed = |error: std::io::Error| unreadable(words::io(&error));
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        paths.sort();
        let mut files = 0_usize;
        let mut left = limits::FOLDER;
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(stem) = [".json", ".yaml", ".yml"].iter().find_map(|ending| name.strip_suffix(ending)) else {
                continue;
            };
            let shown = path.display().to_string();
            files += 1;
            if files > limits::FOLDER_FILES {
                let most = limits::FOLDER_FILES;
                return Err(unreadable(format!("it contains more than {most} files")));
            }
            let text = reader::text(&path, limits::RECORDING).map_err(|why| UsageError::unreadable(&shown, why))?;
            left = left.checked_sub(text.len()).ok_or_else(|| {
                let most = limits::FOLDER / limits::MIB;
                unreadable(format!("its files exceed {most} MiB in total"))
            })?;
            if let Some(pod) = stem.strip_suffix(".varz") {
                self.monitors.entry(pod.into()).or_default().varz = Some(one_value(&shown, &text)?);
            } else if let Some(pod) = stem.strip_suffix(".connz") {
                self.monitors.entry(pod.into()).or_default().connz = Some(one_value(&shown, &text)?);
            } else if stem.ends_with(".healthz") {
                // Says only that the monitor answered, which the other two files also prove.
            } else if stem == "version" {
                self.version = Some(one_value(&shown, &text)?);
            } else {
                self.asked.extend(resources_of_file(stem));
                self.add_text(&shown, &text)?;
            }
        }
        Ok(())
    }

    pub(super) fn add_text(&mut self, shown: &str, text: &str) -> Result<(), UsageError> {
        for value in values(shown, text)? {
            self.add_value(value);
        }
        Ok(())
    }

    pub(super) fn add_value(&mut self, mut value: Value) {
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        let api_version = value["apiVersion"].as_str().unwrap_or_default().to_owned();
        if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
            let item_kind = kind.strip_suffix("List").unwrap_or_default().to_owned();
            for mut item in std::mem::take(items) {
                // The items of a `PodList` do not name their kind.
                if let Some(object) = item.as_object_mut()
                    && !item_kind.is_empty()
                {
                    object.entry("kind").or_insert_with(|| item_kind.clone().into());
                    object.entry("apiVersion").or_insert_with(|| api_version.clone().into());
                }
                self.add_value(item);
            }
        } else if !kind.is_empty() && !api_version.is_empty() {
            self.objects.push(value);
        }
    }

    /// The profiles whose custom resources are in a dump; without any, those whose CRDs are. Meshery if nothing tells.
    pub(super) fn profiles(&self) -> Vec<&'static Profile> {
        let having = |is_of: &dyn Fn(&Value, &Profile) -> bool| {
            let has = |profile: &&Profile| self.objects.iter().any(|object| is_of(object, profile));
            profile::ALL.iter().copied().filter(has).collect::<Vec<_>>()
        };
        let mut found =
            having(&|object, profile| profile.has_resources_in(object["apiVersion"].as_str().unwrap_or_default()));
        if found.is_empty() {
            found = having(&|object, profile| object["spec"]["group"] == profile.group);
        }
        if found.is_empty() { vec![&profile::MESHERY] } else { found }
    }

    /// Every object of a kind, redacted.
    pub(crate) fn all<T: DeserializeOwned + Redact>(&self, row: &Observed) -> Result<Vec<T>, RecordingError> {
        let group = group_of(row.api_version);
        self.parse(|object| {
            object["kind"] == row.kind && group_of(object["apiVersion"].as_str().unwrap_or_default()) == group
        })
    }

    /// Every object of a kind in one version, redacted.
    pub(crate) fn objects_of<T: DeserializeOwned + Redact>(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Vec<T>, RecordingError> {
        self.parse(|object| object["kind"] == kind && object["apiVersion"] == api_version)
    }

    pub(super) fn parse<T: DeserializeOwned + Redact>(
        &self,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<T>, RecordingError> {
        self.objects
            .iter()
            .filter(|object| wanted(object))
            .map(|object| {
                let mut item: T = typed(object).map_err(|error| {
                    let name = object["metadata"]["name"].as_str().unwrap_or("without a name");
                    let kind = object["kind"].as_str().unwrap_or_default();
                    RecordingError::malformed(format!("{kind} {name}"))(error)
                })?;
                item.redact();
                Ok(item)
            })
            .collect()
    }
}

/// Converts an object to a type through its JSON text. The parser of texts is needed for the API server's answers
/// anyway. A second parser of values for every type would be a twentieth of the binary.
pub(super) fn typed<T: DeserializeOwned>(object: &Value) -> serde_json::Result<T> {
    serde_json::from_str(&object.to_string())
}

/// Whether an object has one of these names.
pub(super) fn is_one_of(object: &impl Object, names: &[String]) -> bool {
    let name = object.metadata().name.as_ref();
    name.is_some_and(|name| names.contains(name))
}

/// The name of a path in messages.
pub(super) fn shown(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

pub(super) fn one_value(shown: &str, text: &str) -> Result<Value, UsageError> {
    values(shown, text)?.into_iter().next().ok_or_else(|| UsageError::unreadable(shown, "it is empty"))
}

pub(super) fn values(shown: &str, text: &str) -> Result<Vec<Value>, UsageError> {
    reader::values(text).map_err(|why| UsageError::unreadable(shown, why))
}

/// The newest time inside a value. Times in the future do not count.
pub(super) fn newest(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) if text.len() >= 20 && text.as_bytes()[10] == b'T' => text.parse().ok(),
        Value::Array(items) => items.iter().filter_map(newest).max(),
        Value::Object(fields) => {
            fields.iter().filter(|(key, _)| *key != "deletionTimestamp").filter_map(|(_, value)| newest(value)).max()
        }
        _ => None,
    }
}

/// The resources that a file with this name covers, even if its list is empty.
pub(crate) fn resources_of_file(stem: &str) -> Vec<String> {
    if stem.starts_with("crds") {
        return vec![CustomResourceDefinition::URL_PATH_SEGMENT.into()];
    }
    let rows = observed::ALL.iter().filter(|row| row.files.contains(&stem));
    let resources: Vec<String> = rows.map(|row| row.resource.into()).collect();
    if resources.is_empty() { vec![stem.into()] } else { resources }
}
