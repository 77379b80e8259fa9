//! What `check --fix` did about a root cause.

use serde::Serialize;

use super::{
    Safety,
    change::{Outcome, StepReport},
};

/// One root cause, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FixReport {
    /// The ID of the finding.
    pub finding: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// How safe the change is. `None` if no change could be planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    /// The outcome of the change.
    pub outcome: Outcome,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the next check no longer found the cause. `None` if nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<bool>,
    /// Every step, in order.
    pub steps: Vec<StepReport>,
}
