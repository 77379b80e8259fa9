//! What the results of several tests have in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stack::base::{failure::Failure, seen::Seen};

/// One step of a test that is tried once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// How long it took, or why it did not complete.
    pub micros: Seen<u64>,
    /// The result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Step {
    /// It completed after this many microseconds.
    pub fn done(micros: u64, detail: impl Into<String>) -> Self {
        Self { micros: Seen::Known(micros), detail: detail.into() }
    }

    /// It was not tried, for this reason.
    pub fn not_tried(why: impl Into<String>) -> Self {
        Self { micros: Seen::NotLooked, detail: why.into() }
    }

    /// It failed, for this reason.
    pub fn failed(why: impl Into<Failure>) -> Self {
        Self { micros: Seen::failed(why), detail: String::new() }
    }
}

/// How the API server rejected a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Refusal {
    /// The server's message.
    pub message: String,
    /// Whether a permission is missing.
    pub denied: bool,
    /// The change. Missing means the first one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub event: String,
}

/// An object left by an earlier run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Leftover {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it was deleted, or why not.
    pub removed: Seen<bool>,
}

/// What the runs of a test left in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cleanup {
    /// Objects left by an earlier run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// Why leftover objects could not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leftovers_unseen: Option<String>,
    /// Why an object of this run could not be deleted, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_removed: BTreeMap<String, String>,
}

impl Cleanup {
    /// What the deletion of earlier runs' objects gave.
    pub fn of(earlier: Result<Vec<Leftover>, String>) -> Self {
        match earlier {
            Ok(leftovers) => Self { leftovers, ..Self::default() },
            Err(why) => Self { leftovers_unseen: Some(why), ..Self::default() },
        }
    }
}
