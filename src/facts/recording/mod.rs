//! Recordings: facts written to a file, and read from one.
//!
//! A recording is a Kubernetes `List` of ordinary objects and one object of our own, kind `Recording`, that holds what
//! no object says: the time, whom we were, what was asked and denied, the access reviews, the broker's answers. A dump
//! made with kubectl, or a folder of them, is a recording without that object.

mod dump;
mod error;
mod input;
mod read;
mod write;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

pub use input::Input;
pub use read::{objects, read, read_text};
pub use write::list;

use crate::{facts::Target, stack::base::seen::Seen};

/// The `apiVersion` of everything that is ours.
pub const API_VERSION: &str = "meshdoctor/v1";

/// What the object of our own in a recording has to have, and what it says beside the facts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    /// When the facts were seen.
    taken_at: Timestamp,
    /// The profile's name.
    profile: String,
    /// Which cluster, and as whom.
    target: Target,
    /// What became of each question; for a known list the number of its objects.
    #[serde(default)]
    asked: BTreeMap<String, Seen<usize>>,
}
