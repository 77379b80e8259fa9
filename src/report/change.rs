//! What a changing command says of itself, for programs. `change.schema.json` describes it.

use serde::Serialize;
use serde_json::Value;

use crate::report::Tool;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing has to be changed.
    Unchanged,
    /// Nothing was changed: it was a dry run.
    DryRun,
    /// Nothing was changed: it would break something, is not permitted, or was not agreed to.
    Refused,
    /// Nothing was changed: the cluster could not be looked at.
    Undetermined,
    /// Everything was done.
    Done,
    /// Something was done, and something was not.
    Partial,
}

/// The document of a changing command.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReport {
    /// `meshdoctor/v1`.
    pub api_version: &'static str,
    /// `Change`.
    pub kind: &'static str,
    /// This program.
    pub tool: Tool,
    /// Which cluster, and where in it.
    pub target: ChangeTarget,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Why it was refused, or where it broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do instead, or next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<String>,
    /// What is to be known before.
    pub warnings: Vec<String>,
    /// Every step, in order.
    pub steps: Vec<StepReport>,
    /// The objects that are as they should be already: `Deployment meshery-operator`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<String>,
    /// The copy of what was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

impl ChangeReport {
    /// The document of a run that ended like this, without any step.
    pub fn new(target: ChangeTarget, outcome: Outcome, exit_code: u8, reason: Option<String>) -> Self {
        Self {
            api_version: "meshdoctor/v1",
            kind: "Change",
            tool: Tool::this(),
            target,
            outcome,
            exit_code,
            reason,
            instead: Vec::new(),
            warnings: Vec::new(),
            steps: Vec::new(),
            unchanged: Vec::new(),
            backup: None,
        }
    }
}

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeTarget {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The family of stacks.
    pub profile: &'static str,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// `create`, `change`, `replace`, `delete`, `clear finalizers`, `restart`, `wait`.
    pub action: &'static str,
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub object_kind: String,
    /// None for what belongs to the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangedField>,
    /// Whether it is done.
    pub done: bool,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedField {
    /// Where it is: `spec.template.spec.containers[manager].image`.
    pub path: String,
    /// What was there; none where it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there then; none where it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}
