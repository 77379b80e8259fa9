//! The result document of a changing command. `change.schema.json` describes it.

use serde::Serialize;
use serde_json::Value;

use crate::report::Tool;

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No change is needed.
    Unchanged,
    /// Nothing was changed: it was a dry run.
    DryRun,
    /// Nothing was changed: it would break something, is not permitted, or was not confirmed.
    Refused,
    /// Nothing was changed: the cluster could not be observed.
    Undetermined,
    /// Everything was done.
    Done,
    /// Some steps were done, and some were not.
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
    /// The cluster and the namespace.
    pub target: ChangeTarget,
    /// The outcome.
    pub outcome: Outcome,
    /// The exit code.
    pub exit_code: u8,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do instead, or next: commands, or sentences after a refusal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<String>,
    /// Warnings about the plan.
    pub warnings: Vec<String>,
    /// Every step, in order.
    pub steps: Vec<StepReport>,
    /// The objects that need no change: `Deployment meshery-operator`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<String>,
    /// The backup of the removed objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// What was verified after the last step: `MeshSync CONNECTED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// What was seen in Meshery Server, in order, as evidence that the change took effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Existing objects of the stack that a removal kept: `CustomResourceDefinition brokers.meshery.io`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
}

impl ChangeReport {
    /// The document of a run with this outcome and no steps.
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
            verified: None,
            evidence: Vec::new(),
            kept: Vec::new(),
        }
    }
}

/// The cluster and the namespace.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeTarget {
    /// The kubeconfig's context.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The family of stacks.
    pub profile: &'static str,
    /// The address of Meshery Server, if the steps change something there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// `create`, `change`, `replace`, `delete`, `clear finalizers`, `restart`, `wait`; in Meshery Server also `upload`,
    /// `rediscover`, `connect`, `disconnect`, `switch`, `flush`, `reset`.
    pub action: &'static str,
    /// `apps/v1`; `meshery-server` for what Meshery Server stores.
    pub api_version: String,
    /// `Deployment`; in Meshery Server `Connection`, `Data`, `Database`, `Kubeconfig` or `Server`.
    pub object_kind: String,
    /// The namespace. `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The changed fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangedField>,
    /// Whether it was done.
    pub done: bool,
}

/// One changed field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedField {
    /// Its path: `spec.template.spec.containers[manager].image`.
    pub path: String,
    /// The old value. `None` if the field is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The new value. `None` if the field is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}
