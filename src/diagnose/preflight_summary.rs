//! What an installation would do to each object, and whether that is known.

use super::{
    RuleContext,
    rules::{
        cluster::install_permission_missing::{missing, open},
        preflight::stays,
    },
    states,
};
use crate::{
    facts::{DryRun, Preflight, dry_run::DryRunOutcome},
    report::{PlannedObject, PreflightReport},
    stack::base::permission::Permission,
};

/// The preflight's summary; the preflight may be missing because the cluster could not be reached.
pub(super) struct PreflightSummary<'a> {
    context: &'a RuleContext<'a>,
    seen: Option<&'a Preflight>,
}

impl<'a> PreflightSummary<'a> {
    pub(super) fn of(context: &'a RuleContext<'a>) -> Self {
        Self { context, seen: context.facts.preflight.as_ref() }
    }

    /// The objects that an installation would write.
    fn written(&self) -> impl Iterator<Item = &'a DryRun> {
        self.seen.into_iter().flat_map(|seen| &seen.objects).filter(|trial| !stays(self.context, trial))
    }

    /// Whether each object was tested, or cannot be tested before another one exists.
    pub(super) fn is_determined(&self) -> bool {
        self.seen.is_some()
            && self.is_place_known()
            && self.written().all(|trial| missing(trial).next().is_some() || open(trial).is_none())
    }

    /// Whether the existing objects are known. A missing permission has its own finding; a failure leaves it unknown.
    fn is_place_known(&self) -> bool {
        let context = self.context;
        context.facts.deployments.failure().is_none()
            && context.brokers.failure().is_none()
            && context.meshsyncs.failure().is_none()
    }

    /// The missing permissions: those that an installation needs, and those that the preflight itself needs.
    pub(super) fn missing_permissions(&self) -> Vec<Permission> {
        let nodes = self.seen.into_iter().flat_map(|seen| seen.nodes.missing_permissions());
        states::sorted(self.written().flat_map(missing).chain(nodes))
    }

    pub(super) fn report(&self) -> PreflightReport {
        PreflightReport {
            user: self.seen.and_then(|seen| seen.user.known().cloned()),
            objects: self.seen.into_iter().flat_map(|seen| &seen.objects).map(|trial| self.planned(trial)).collect(),
        }
    }

    fn planned(&self, trial: &DryRun) -> PlannedObject {
        let (action, reason) = if stays(self.context, trial) {
            ("keep", None)
        } else if missing(trial).next().is_some() {
            ("denied", None)
        } else {
            match DryRunOutcome::of(trial) {
                DryRunOutcome::Accepted { created: true, .. } => ("create", None),
                DryRunOutcome::Accepted { conflict, .. } => ("update", conflict.map(str::to_owned)),
                DryRunOutcome::Recreated(message) => ("replace", Some(message.to_owned())),
                DryRunOutcome::Waits(until) => ("unverifiable", Some(format!("until {until}"))),
                DryRunOutcome::Denied => ("denied", None),
                DryRunOutcome::Escalates(message) | DryRunOutcome::Insecure(message) => {
                    ("rejected", Some(message.to_owned()))
                }
                DryRunOutcome::Refused(answer) => ("rejected", Some(answer.message.clone())),
                DryRunOutcome::Unknown(why) => ("unknown", Some(why)),
            }
        };
        PlannedObject {
            kind: trial.kind.clone(),
            namespace: trial.namespace.clone(),
            name: trial.name.clone(),
            action,
            reason,
        }
    }
}
