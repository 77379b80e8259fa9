//! When a stack has settled after a fix, so that its next root cause can be trusted. Pure.

use std::time::Duration;

use super::Fix;
use crate::{
    report::{Action, Report, Severity, Verdict},
    stack::component::Component,
};

/// How long the root causes must stay the same once the fixed one is gone. Shortly after a restart, the consequences of
/// the restart are root causes.
const QUIET: Duration = Duration::from_secs(10);

/// How long a fixed cause may remain before the fix counts as ineffective.
const INEFFECTIVE: Duration = Duration::from_secs(45);

/// How old the pods of a stack are that is no longer starting, in seconds.
const STARTED: i64 = 60;

/// How old a MeshSync is that may still be connecting for the first time, in seconds.
const CONNECTING: i64 = 30;

/// Whether a fix restarts a `MeshSync` that started so recently that it may connect without help.
pub fn is_premature(fix: &Fix, report: &Report) -> bool {
    let restarts = |name: &str| {
        fix.actions.iter().any(|action| matches!(action, Action::Restart(workload) if workload.name == name))
    };
    let restarted = report.workloads.iter().filter(|it| it.component == Component::Meshsync && restarts(&it.name));
    let mut pods = restarted.flat_map(|it| &it.pods);
    !report.components.is_connected() && pods.any(|pod| pod.age_seconds.is_some_and(|age| age < CONNECTING))
}

/// Whether the stack is not healthy and one of its pods has just been created, so that it may become healthy without help.
pub fn is_starting(report: &Report) -> bool {
    let ours = [Component::Operator, Component::Broker, Component::Meshsync];
    let mut pods = report.workloads.iter().filter(|it| ours.contains(&it.component)).flat_map(|it| &it.pods);
    !is_well(report) && pods.any(|pod| pod.age_seconds.is_some_and(|age| age < STARTED))
}

/// Whether the operator is deleting a custom resource. Only what is left after that can be fixed, and nothing can in a
/// namespace that is terminating.
pub fn is_being_deleted(report: &Report) -> bool {
    let is_found = |code: &str, severity: Severity| {
        report.findings().iter().any(|finding| finding.code == code && finding.severity == severity)
    };
    // Without an operator it is an error, which the redeploy of the operator fixes.
    is_found("cr-stuck-terminating", Severity::Warning) && !is_found("namespace-terminating", Severity::Error)
}

fn causes(report: &Report) -> Vec<String> {
    report.root_causes().map(|cause| cause.id.clone()).collect()
}

fn is_well(report: &Report) -> bool {
    matches!(report.verdict, Some(Verdict::Healthy | Verdict::Degraded))
}

/// Follows the reports after a fix.
#[derive(Debug)]
pub struct Settling {
    fixed: Option<String>,
    /// The root causes before the fix.
    before: Vec<String>,
    causes: Vec<String>,
    /// When these causes were first seen.
    since: Duration,
}

impl Settling {
    /// After the fix of this finding of a report, or without one.
    pub fn after(fixed: Option<&str>, before: &Report) -> Self {
        Self { fixed: fixed.map(str::to_owned), before: causes(before), causes: Vec::new(), since: Duration::ZERO }
    }

    /// Whether the stack has settled, by the report at this time after the fix.
    pub fn is_settled(&mut self, report: &Report, elapsed: Duration) -> bool {
        if is_being_deleted(report) {
            self.since = elapsed;
            return false;
        }
        let causes = causes(report);
        let remains = self.fixed.as_ref().is_some_and(|fixed| causes.contains(fixed));
        let is_new = causes.iter().any(|cause| !self.before.contains(cause));
        if !remains && !is_new && is_well(report) {
            return true;
        }
        if causes != self.causes {
            self.causes = causes;
            self.since = elapsed;
        }
        elapsed.saturating_sub(self.since) >= if remains { INEFFECTIVE } else { QUIET }
    }
}
