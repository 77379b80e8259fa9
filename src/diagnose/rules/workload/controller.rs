//! A controller of any kind.

use crate::{diagnose::rules::prelude::*, report::WorkloadRef};

/// A controller of any kind.
pub(super) struct Controller {
    pub(super) kind: &'static str,
    pub(super) workload: WorkloadRef,
    pub(super) wanted: i32,
    pub(super) incomplete: Option<String>,
    /// Whether Kubernetes has stopped waiting for the rollout, or was told to pause it.
    pub(super) stalled: bool,
    /// Why it cannot create pods, according to its conditions.
    pub(super) refused: Option<String>,
}

impl Controller {
    /// The object.
    pub(super) fn object(&self, context: &RuleContext<'_>) -> ObjectRef {
        context.object(self.kind, &self.workload.name)
    }
}
