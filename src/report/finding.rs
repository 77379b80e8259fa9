//! Findings and their remedies.

use std::fmt;

use serde::Serialize;

use super::{Action, Effect};
use crate::stack::component::Component;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something works but will cause trouble.
    Warning,
    /// Worth knowing.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Whether something is wrong, or could not be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something is wrong.
    Fault,
    /// Something could not be checked.
    Obstacle,
}

/// A command that can be pasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// The command line, with context and namespace filled in.
    pub run: String,
    /// Its effect on the cluster.
    pub effect: Effect,
    /// Whether it is only for the case that the commands before it cannot be used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub last_resort: bool,
    /// Whether `check --fix` applies it. The commands that it applies are a complete fix, in order.
    pub fix: bool,
    /// The action, for a repair.
    #[serde(skip)]
    pub action: Action,
}

impl Command {
    /// The same command, only for the case that those before it cannot be used.
    pub(crate) fn last_resort(self) -> Self {
        Self { last_resort: true, ..self }
    }
}

/// What to do about a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// As text.
    pub text: String,
    /// As commands, in order.
    pub commands: Vec<Command>,
}

impl Remedy {
    /// The actions that `check --fix` applies, in order.
    pub fn fix(&self) -> impl Iterator<Item = &Action> {
        self.commands.iter().filter(|command| command.fix).map(|command| &command.action)
    }
}

/// One object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace. `None` for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// One problem, or one reason why something is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The code, followed by the cluster or the object if the code occurs more than once.
    pub id: String,
    /// The diagnosis, which never changes.
    pub code: String,
    /// A fault or an obstacle.
    pub kind: Kind,
    /// The severity.
    pub severity: Severity,
    /// Whether no other finding explains it and it is more than information.
    pub root_cause: bool,
    /// The component.
    pub component: Component,
    /// The fact in one line.
    pub title: String,
    /// What it means in this case.
    pub message: String,
    /// The affected object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// The registered cluster that it is about, if it is only about one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The evidence.
    pub evidence: Vec<String>,
    /// The findings that explain this one.
    pub caused_by: Vec<String>,
    /// Codes that it explains in this case, besides those that its diagnosis always explains.
    #[serde(skip)]
    pub explains: Vec<String>,
    /// What to do.
    pub remedy: Remedy,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
}
