//! A plan: every change, in order, before any of them is made. Data.

use serde_json::Value;

use crate::{
    facts::redact::REDACTED,
    report::change::ChangedField,
    stack::{base::permission::Permission, object::Id},
};

/// What one step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Makes an object that is not there.
    Create(Value),
    /// Brings an object that is there to what the manifest says (server-side apply).
    Apply {
        /// The manifest.
        manifest: Value,
        /// What changes, as the API server's dry run said.
        changes: Vec<ChangedField>,
        /// Whether fields are taken over from the tools that manage them now.
        force: bool,
    },
    /// Changes single fields (merge patch).
    Patch {
        /// The patch.
        patch: Value,
        /// What changes.
        changes: Vec<ChangedField>,
    },
    /// Removes an object and makes it anew, since what differs cannot be changed.
    Replace {
        /// The manifest.
        manifest: Value,
        /// What cannot be changed.
        changes: Vec<ChangedField>,
    },
    /// Removes this very object.
    Delete {
        /// Its UID: another of the same name stays.
        uid: String,
    },
    /// Takes away the finalizers of an object that is being deleted and that nobody will finish.
    ClearFinalizers {
        /// Its UID.
        uid: String,
        /// The finalizers.
        finalizers: Vec<String>,
    },
    /// Restarts the pods of a workload, one after another.
    Restart,
    /// Waits until something is so.
    Wait(Until),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The object is gone.
    Gone,
    /// The API server serves the definition.
    Established,
    /// The rollout is complete.
    RolledOut,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The object.
    pub id: Id,
    /// What is done to it.
    pub action: Action,
    /// Why, where the object and the action do not say it.
    pub why: Option<String>,
}

/// What is to be done, and what is to be known before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The changes, in order.
    pub steps: Vec<Step>,
    /// What will be other than before, or lost.
    pub warnings: Vec<String>,
    /// What goes with a step's object, without a step of its own.
    pub takes: Vec<Id>,
    /// What is as it should be already.
    pub unchanged: Vec<Id>,
    /// What is done as well when `MeshSync` does not come back by itself soon after all this.
    pub nudge: Option<Step>,
    /// Whether more can be planned only once this is done, since it cannot be seen before.
    pub continues: bool,
}

/// Why nothing is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// One sentence.
    pub why: String,
    /// What to do instead.
    pub instead: Vec<String>,
    /// Whether nothing was refused, but too little is known to plan: the API server did not answer.
    pub undetermined: bool,
}

impl Refusal {
    /// Refused for this reason; what to do instead.
    pub fn new(why: impl Into<String>, instead: impl Into<Vec<String>>) -> Self {
        Self { why: why.into(), instead: instead.into(), undetermined: false }
    }
}

/// Where a value holds a text that was redacted, which must not reach a cluster in place of the real one.
pub fn redacted(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains(REDACTED).then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(number, item)| redacted(item, &format!("{path}[{number}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            redacted(value, &path)
        }),
        _ => None,
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gone => "gone",
            Self::Established => "served",
            Self::RolledOut => "rolled out",
        })
    }
}

impl Step {
    /// A step without a reason of its own.
    pub fn new(id: Id, action: Action) -> Self {
        Self { id, action, why: None }
    }

    /// With the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// What it does, in one word.
    pub fn verb(&self) -> &'static str {
        match &self.action {
            Action::Create(_) => "create",
            Action::Apply { .. } | Action::Patch { .. } => "change",
            Action::Replace { .. } => "replace",
            Action::Delete { .. } => "delete",
            Action::ClearFinalizers { .. } => "clear finalizers",
            Action::Restart => "restart",
            Action::Wait(_) => "wait",
        }
    }

    /// The fields that change.
    pub fn changes(&self) -> &[ChangedField] {
        match &self.action {
            Action::Apply { changes, .. } | Action::Patch { changes, .. } | Action::Replace { changes, .. } => changes,
            _ => &[],
        }
    }

    /// What is sent to the API server.
    pub fn payload(&self) -> Option<&Value> {
        match &self.action {
            Action::Create(manifest) | Action::Apply { manifest, .. } | Action::Replace { manifest, .. } => {
                Some(manifest)
            }
            Action::Patch { patch, .. } => Some(patch),
            _ => None,
        }
    }

    /// Why it must not be carried out: a value in it was redacted.
    pub fn redacted(&self) -> Option<String> {
        let path = redacted(self.payload()?, "")?;
        Some(format!("{path} of {} was redacted, and a redacted value is never written to a cluster", self.id))
    }

    /// Whether it writes.
    pub fn is_change(&self) -> bool {
        !matches!(self.action, Action::Wait(_))
    }

    /// Whether something is lost by it.
    pub fn removes(&self) -> bool {
        matches!(self.action, Action::Delete { .. } | Action::ClearFinalizers { .. } | Action::Replace { .. })
    }
}

impl Plan {
    /// The rights that carrying it out takes.
    pub fn rights(&self) -> Vec<Permission> {
        let mut rights: Vec<Permission> = self
            .steps
            .iter()
            .chain(&self.nudge)
            .flat_map(|step| {
                let verbs: &[&str] = match step.action {
                    Action::Create(_) => &["create", "patch"],
                    Action::Apply { .. } | Action::Patch { .. } | Action::ClearFinalizers { .. } | Action::Restart => {
                        &["patch"]
                    }
                    Action::Replace { .. } => &["delete", "create", "patch"],
                    Action::Delete { .. } => &["delete"],
                    Action::Wait(_) => &["get"],
                };
                verbs.iter().map(|verb| step.id.permission(verb))
            })
            .collect();
        rights.sort();
        rights.dedup();
        rights
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::is_change)
    }
}
