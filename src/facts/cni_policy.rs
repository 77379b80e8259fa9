//! Policies of the network plugin, of which only the names are read.

use serde::{Deserialize, Serialize};

/// A policy of the network plugin that may apply to the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CniPolicy {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}
