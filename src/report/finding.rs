//! Findings and their remedies.

use std::fmt;

use serde::Serialize;

use super::{Action, Effect};
use crate::stack::component::Component;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something works and will bite.
    Warning,
    /// Worth knowing.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Whether something is wrong, or we could not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something is wrong.
    Fault,
    /// We could not look.
    Obstacle,
}

/// A command that can be pasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The command line, with context and namespace filled in.
    pub run: String,
    /// What it does to the cluster.
    pub effect: Effect,
    /// What it does, for a repair.
    #[serde(skip)]
    pub action: Action,
}

/// What to do about a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// As commands, in order.
    pub commands: Vec<Command>,
}

/// One object of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace; none for cluster-scoped objects.
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

/// One thing that is wrong, or stands in the way of knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The code; with the object when the code occurs more than once.
    pub id: String,
    /// The diagnosis, stable for ever.
    pub code: String,
    /// Wrong, or not seen.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// Whether no other finding explains it and it is more than information.
    pub root_cause: bool,
    /// What it is about.
    pub component: Component,
    /// The fact in one line.
    pub title: String,
    /// What it means here.
    pub message: String,
    /// The object that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// How we know.
    pub evidence: Vec<String>,
    /// The findings that explain this one.
    pub caused_by: Vec<String>,
    /// What to do.
    pub remedy: Remedy,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
}
