//! A plan: every change, in order, before any of them is applied. Data.

use serde_json::Value;

use crate::{
    facts::redact::REDACTED,
    repair::operation::Operation,
    report::change::ChangedField,
    stack::{base::permission::Permission, object::Id},
};

/// What one step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Creates an object.
    Create(Value),
    /// Changes an existing object to its manifest (server-side apply).
    Apply {
        /// The manifest.
        manifest: Value,
        /// What changes, according to the API server's dry run.
        changes: Vec<ChangedField>,
        /// Whether fields are taken over from their current managers.
        force: bool,
    },
    /// Changes single fields (merge patch).
    Patch {
        /// The patch.
        patch: Value,
        /// What changes.
        changes: Vec<ChangedField>,
    },
    /// Deletes an object and creates it again, because the differing fields are immutable.
    Replace {
        /// The manifest.
        manifest: Value,
        /// The fields that cannot be changed.
        changes: Vec<ChangedField>,
    },
    /// Deletes this object.
    Delete {
        /// Its UID; another object of the same name is left alone.
        uid: String,
    },
    /// Clears the finalizers of an object that is being deleted if no operator is left to handle them.
    ClearFinalizers {
        /// Its UID.
        uid: String,
        /// The finalizers.
        finalizers: Vec<String>,
    },
    /// Restarts the pods of a workload, one after another.
    Restart,
    /// Waits for a condition.
    Wait(Until),
    /// Changes something in Meshery Server, or waits for it.
    Server(Operation),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The object is gone.
    Gone,
    /// The API server serves the CRD.
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
    /// The reason, if object and action do not say it.
    pub why: Option<String>,
}

/// The changes, and what the user should know before they are applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The changes, in order.
    pub steps: Vec<Step>,
    /// What will be different afterwards, or lost.
    pub warnings: Vec<String>,
    /// Objects that are deleted together with the object of a step.
    pub takes: Vec<Id>,
    /// Objects that need no change.
    pub unchanged: Vec<Id>,
    /// Existing objects of the stack that a removal keeps.
    pub kept: Vec<Id>,
    /// The root cause that keeps the stack unhealthy, if there is nothing to change.
    pub unhealthy: Option<Cause>,
    /// A last step, if `MeshSync` does not reconnect on its own.
    pub nudge: Option<Step>,
    /// Whether more can be planned only after these steps, because the rest cannot be read before.
    pub continues: bool,
    /// What was seen that makes further changes unnecessary: sentences without a full stop.
    pub seen: Vec<String>,
    /// The server that the steps change.
    pub server: Option<ServerRef>,
    /// What the user must type to confirm, or name with `--confirm`, because others lose something too.
    pub confirm: Option<String>,
    /// Whether an earlier plan of the same run announced these steps, so that the user agreed to them with it.
    pub announced: bool,
    /// What the backup lists in addition to the objects that are removed from the cluster, without credentials.
    pub listed: Vec<Value>,
    /// What to do if a step fails, besides running the same command again.
    pub otherwise: Vec<Advice>,
}

/// The server that a plan changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRef {
    /// As messages name it: `Meshery Server at http://localhost:9081`.
    pub name: String,
    /// Its address: `http://localhost:9081`, or `pod/NAME:PORT`.
    pub address: String,
}

/// The root cause of an unhealthy stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
}

/// What to do after a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A sentence.
    Text(String),
    /// A command of this program.
    Command {
        /// Its arguments, without connection flags.
        arguments: String,
        /// The namespace, if it is another one.
        namespace: Option<String>,
    },
}

impl Advice {
    /// A command of this program in the same namespace.
    pub fn command(arguments: impl Into<String>) -> Self {
        Self::Command { arguments: arguments.into(), namespace: None }
    }

    /// A command of this program in another namespace.
    pub fn command_in(namespace: &str, arguments: impl Into<String>) -> Self {
        Self::Command { arguments: arguments.into(), namespace: Some(namespace.to_owned()) }
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Advice {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Why nothing is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// One sentence.
    pub why: String,
    /// What to do instead.
    pub instead: Vec<Advice>,
    /// Whether the plan is undetermined because the API server did not answer, rather than refused.
    pub undetermined: bool,
    /// Whether the command line is wrong, rather than the state: it names what does not exist.
    pub misuse: bool,
}

impl Refusal {
    /// A refusal for this reason, and what to do instead.
    pub fn new(why: impl Into<String>, instead: impl IntoIterator<Item = Advice>) -> Self {
        Self { why: why.into(), instead: instead.into_iter().collect(), ..Self::default() }
    }

    /// A refusal because the command line names what does not exist.
    pub fn misuse(why: impl Into<String>) -> Self {
        Self { why: why.into(), misuse: true, ..Self::default() }
    }
}

/// The path of a redacted text in a value. It must not be written to a cluster in place of the real one.
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
            Self::Gone => "deleted",
            Self::Established => "served",
            Self::RolledOut => "ready",
        })
    }
}

impl Step {
    /// A step without a reason.
    pub fn new(id: Id, action: Action) -> Self {
        Self { id, action, why: None }
    }

    /// A step in the server at this address.
    pub fn in_server(address: &str, operation: Operation) -> Self {
        Self::new(operation.subject(address), Action::Server(operation))
    }

    /// The step with this reason.
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
            Action::Server(operation) => operation.verb(),
        }
    }

    /// The fields that change.
    pub fn changes(&self) -> &[ChangedField] {
        match &self.action {
            Action::Apply { changes, .. } | Action::Patch { changes, .. } | Action::Replace { changes, .. } => changes,
            _ => &[],
        }
    }

    /// The manifest or patch that is sent to the API server.
    pub fn payload(&self) -> Option<&Value> {
        match &self.action {
            Action::Create(manifest) | Action::Apply { manifest, .. } | Action::Replace { manifest, .. } => {
                Some(manifest)
            }
            Action::Patch { patch, .. } => Some(patch),
            _ => None,
        }
    }

    /// Why it must not be applied: a value in it was redacted.
    pub fn redacted(&self) -> Option<String> {
        let path = redacted(self.payload()?, "")?;
        Some(format!("{path} of {} was redacted; a redacted value is never written to a cluster", self.id))
    }

    /// Whether it writes.
    pub fn is_change(&self) -> bool {
        !matches!(self.action, Action::Wait(_) | Action::Server(Operation::Wait { .. }))
    }

    /// Whether it deletes something.
    pub fn removes(&self) -> bool {
        matches!(self.action, Action::Delete { .. } | Action::ClearFinalizers { .. } | Action::Replace { .. })
    }
}

impl Plan {
    /// The permissions that are needed to apply it.
    pub fn permissions(&self) -> Vec<Permission> {
        let mut permissions: Vec<Permission> = self
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
                    Action::Server(_) => &[],
                };
                verbs.iter().map(|verb| step.id.permission(verb))
            })
            .collect();
        permissions.sort();
        permissions.dedup();
        permissions
    }

    /// Adds the steps and warnings of another plan.
    pub fn append(&mut self, other: Self) {
        self.continues |= other.continues;
        self.warnings.extend(other.warnings);
        self.steps.extend(other.steps);
        self.server = self.server.take().or(other.server);
        self.otherwise.extend(other.otherwise);
    }

    /// Whether it drops the tables of the server's database.
    pub fn drops_database(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Server(Operation::ResetDatabase(_))))
    }

    /// Whether it changes nothing, and only waits for something in Meshery Server.
    pub fn only_waits(&self) -> bool {
        let waits = |step: &Step| matches!(step.action, Action::Server(Operation::Wait { .. }));
        self.is_empty() && self.steps.iter().any(waits)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::is_change)
    }
}
