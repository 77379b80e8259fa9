//! The kubeconfig files in use: finds, reads and merges them, and locates a word in them.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

use kube::config::{Kubeconfig, KubeconfigError};

use serde_json::Value;

use super::{Trouble, relative};
use crate::{
    facts::Obstacle,
    stack::base::{
        limits,
        reader::{self, Unreadable},
        usage::UsageError,
    },
};

/// The files in use, in the order of precedence.
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    /// Whether they were named on the command line.
    pub(crate) named: bool,
    /// The text of each file that has been read, because a pipe can be read only once.
    texts: RefCell<Vec<(PathBuf, String)>>,
}

impl Files {
    pub(crate) fn find(flag: Option<&Path>) -> Self {
        if let Some(path) = flag {
            return Self { paths: vec![path.into()], named: true, texts: RefCell::default() };
        }
        let paths: Vec<PathBuf> = match std::env::var_os("KUBECONFIG") {
            Some(list) if !list.is_empty() => {
                std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
            }
            _ => std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect(),
        };
        Self { paths, named: false, texts: RefCell::default() }
    }

    pub(crate) fn trouble(&self, message: String, remedy: Option<String>) -> Trouble {
        if self.named {
            UsageError::new(message).hint(remedy).into()
        } else {
            Trouble::Obstacle(Obstacle {
                code: "kubeconfig-invalid".into(),
                message,
                evidence: vec![format!("read: {}", self.shown())],
                remedy,
            })
        }
    }

    pub(crate) fn missing(&self) -> Trouble {
        if self.named {
            let what = if self.paths.iter().any(|path| path.exists()) {
                "but that file is empty"
            } else {
                "but there is no such file"
            };
            let message = format!("--kubeconfig refers to {}, {what}", self.shown());
            return UsageError::new(message).into();
        }
        Trouble::Obstacle(Obstacle {
            code: "kubeconfig-missing".into(),
            message: if self.paths.is_empty() {
                "there is no kubeconfig: neither KUBECONFIG nor HOME is set".into()
            } else {
                format!("there is no kubeconfig at {}", self.shown())
            },
            evidence: vec!["not running in a pod, so there is no in-cluster configuration either".into()],
            remedy: None,
        })
    }

    pub(crate) fn shown(&self) -> String {
        let shown: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        shown.join(", ")
    }

    /// Loads and merges the files. It is not an error here if none exists.
    pub(crate) fn load(&self) -> Result<Option<Kubeconfig>, Trouble> {
        let mut merged: Option<Kubeconfig> = None;
        for path in &self.paths {
            let unreadable =
                |why: Unreadable| self.trouble(format!("cannot read the kubeconfig {}: {why}", path.display()), None);
            let text = match reader::text(path, limits::KUBECONFIG) {
                Ok(text) => text,
                Err(why) if why.is_missing() => continue,
                Err(why) => return Err(unreadable(why)),
            };
            if text.trim().is_empty() {
                continue;
            }
            // As in kubectl, only the first document counts, and of two equal keys the last one.
            let value = reader::first_document(&text).map_err(unreadable)?;
            let other = |why: &dyn std::fmt::Display| {
                self.trouble(format!("{} is not a kubeconfig: {why}", path.display()), None)
            };
            if let Some(why) = something_else(&value) {
                return Err(other(&why));
            }
            let mut one = typed(&value, &text).map_err(|why| other(&why))?;
            if let Some(folder) = path.parent() {
                relative::resolve(&mut one, folder);
            }
            self.texts.borrow_mut().push((path.clone(), text));
            merged = Some(match merged {
                None => one,
                Some(first) => first.merge(one).map_err(|error| {
                    self.trouble(format!("cannot merge the kubeconfig {}: {error}", path.display()), None)
                })?,
            });
        }
        Ok(merged)
    }

    /// The file and line of a text, for messages.
    pub(crate) fn place_of(&self, text: &str) -> String {
        for (path, content) in self.texts.borrow().iter() {
            if let Some(line) = content.lines().position(|line| line.contains(text)) {
                return format!("{} line {}", path.display(), line + 1);
            }
        }
        self.shown()
    }
}

/// A text as a kubeconfig that is not empty.
///
/// # Errors
///
/// Why it is none.
pub(crate) fn kubeconfig(text: &str) -> Result<Value, Unreadable> {
    let value = reader::first_document(text)?;
    if value.is_null() {
        return Err(Unreadable::Malformed("it is empty".into()));
    }
    if let Some(why) = something_else(&value) {
        return Err(Unreadable::Malformed(why));
    }
    typed(&value, text)?;
    Ok(value)
}

/// Why a document is not a kubeconfig, if that is obvious.
fn something_else(value: &Value) -> Option<String> {
    const KEYS: [&str; 4] = ["clusters", "contexts", "users", "current-context"];
    // A file with only comments is empty, which is not an error.
    if value.is_null() {
        return None;
    }
    let Some(mapping) = value.as_object() else {
        return Some("it has no keys such as clusters, contexts and users".into());
    };
    match mapping.get("kind").and_then(Value::as_str) {
        Some(kind) if kind != "Config" => return Some(format!("its kind is {kind}, not Config")),
        Some(_) => return None,
        None => {}
    }
    KEYS.iter()
        .all(|key| !mapping.contains_key(*key))
        .then(|| "it has none of the keys clusters, contexts and users".into())
}

/// Parses a document as a kubeconfig.
fn typed(value: &Value, text: &str) -> Result<Kubeconfig, Unreadable> {
    if value.is_null() {
        return Ok(Kubeconfig::default());
    }
    let read = serde_json::from_str(&value.to_string()).or_else(|error| {
        // The library's own parser accepts a number as text, and its message includes the line.
        match Kubeconfig::from_yaml(text) {
            Ok(config) => Ok(config),
            Err(KubeconfigError::Parse(why)) => Err(plain_yaml(&why.to_string())),
            Err(_) => Err(error.to_string()),
        }
    });
    read.map_err(Unreadable::Malformed)
}

/// The YAML parser's message, without its prefixes and in readable form.
fn plain_yaml(error: &str) -> String {
    let first = crate::stack::base::words::malformed(&error.lines().next().unwrap_or_default());
    let why = first.rsplit_once("error: ").map_or(first.as_str(), |(_, why)| why);
    why.replace("expected sequence start", "expected a list").replace("expected mapping start", "expected a mapping")
}
