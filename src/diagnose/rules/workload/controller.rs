//! A controller, whichever kind it is.

use crate::diagnose::rules::prelude::*;

/// A controller, whichever kind it is.
pub(super) struct Controller {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) wanted: i32,
    pub(super) incomplete: Option<String>,
    /// Why it cannot make pods, in its own conditions.
    pub(super) refused: Option<String>,
}

impl Controller {
    /// Its kind, as kubectl takes it.
    pub(super) fn resource(&self) -> &'static str {
        match self.kind {
            "StatefulSet" => "statefulset",
            _ => "deployment",
        }
    }

    /// The object.
    pub(super) fn object(&self, context: &RuleContext<'_>) -> ObjectRef {
        context.object(self.kind, &self.name)
    }
}

impl std::fmt::Display for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.resource(), self.name)
    }
}
