//! Recordings: facts written to and read from a file.
//!
//! A recording is a Kubernetes `List` of ordinary objects and one object of kind `Recording` for everything else: the
//! time, the user, what was queried and denied, the access reviews, the broker's answers. A dump made with kubectl, or
//! a folder of dumps, is a recording without that object.

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

/// The `apiVersion` of our own objects.
pub const API_VERSION: &str = "meshdoctor/v1";

/// The field of a `Recording` with the recordings of registered clusters. They have objects with the same names.
const REMOTES: &str = "remotes";

/// The required fields of the `Recording` object, and those that are not facts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    /// When the facts were observed.
    taken_at: Timestamp,
    /// The profile's name.
    profile: String,
    /// The cluster and the user.
    target: Target,
    /// The outcome of each query. For a known list, the number of its objects.
    #[serde(default)]
    asked: BTreeMap<String, Seen<usize>>,
}
