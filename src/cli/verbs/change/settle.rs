//! The end of a deployment: `MeshSync` is connected.

use std::time::Duration;

use tokio::time::Instant;

use super::{Run, answer::exit_of};
use crate::{
    cli::render,
    cluster::session::Session,
    diagnose::{self, Expectation},
    observe::{self, Depth},
    repair::{plan::Plan, progress::Progress},
    report::{
        Report, Source, State, Status,
        change::{ChangeReport, Outcome},
    },
};

/// How long MeshSync may take to reconnect to a restarted broker; at most half of the timeout.
const GRACE: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// Waits until MeshSync is connected. If it does not reconnect on its own, the plan's last step is applied.
    pub(super) async fn settle(&self, session: &Session<'_>, plan: &Plan, report: &mut ChangeReport) {
        let begun = Instant::now();
        let limit = self.change.wait;
        let mut nudge = plan.nudge.clone();
        let mut progress = Progress::default();
        loop {
            let steps = report.steps.len();
            *self.place.borrow_mut() = Some(format!("after {steps} steps (waiting for MeshSync to connect)"));
            let facts = observe::look(session, Depth::Check).await;
            let seen = diagnose::diagnose(&facts, &Expectation::default(), Source::live());
            if is_connected(&seen) {
                report.verified = Some(format!("MeshSync {}", State::Connected));
                return;
            }
            if begun.elapsed() >= GRACE.min(limit / 2) && is_out_of_sight(&seen) {
                report.verified = Some("MeshSync is running; its broker cannot be queried from here".into());
                return;
            }
            let state = seen.components.stack().map_or(State::Unknown, |components| components.meshsync.state);
            let mut lacks = format!("{state}, not {}", State::Connected);
            if let Some(root) = seen.root_causes().next() {
                lacks.push_str(&format!(" ({})", root.code));
            }
            if begun.elapsed() >= limit {
                report.outcome = Outcome::Partial;
                report.exit_code = exit_of(report).code();
                report.reason = Some(format!("MeshSync is still {lacks} after {} s", limit.as_secs()));
                report.instead = vec![self.command("check")];
                return;
            }
            if begun.elapsed() >= GRACE.min(limit / 2)
                && let Some(step) = nudge.take()
            {
                let more = Plan { steps: vec![step.clone()], ..Plan::default() };
                let done = self.write(session, &more, steps).await;
                report.steps.extend(done.steps.into_iter().skip(self.earlier.borrow().len()));
                continue;
            }
            let stalled = progress.stalled(&lacks);
            let line = render::waiting("waiting for MeshSync", &lacks, begun.elapsed(), limit, stalled);
            self.terminal.show_step(&line);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Whether `MeshSync` is connected. Without a custom resource its state says nothing, but the check does.
fn is_connected(report: &Report) -> bool {
    report.components.is_connected()
        || report.target.mode == "standalone" && status(report, "meshsync-connected") == Some(Status::Pass)
}

/// Whether `MeshSync` runs and publishes to a broker elsewhere that cannot be queried from here, so that waiting is of no
/// use.
fn is_out_of_sight(report: &Report) -> bool {
    matches!(report.target.mode, "custom-broker" | "standalone")
        && status(report, "meshsync-connected") == Some(Status::Unknown)
        && status(report, "meshsync-workload") == Some(Status::Pass)
}

fn status(report: &Report, id: &str) -> Option<Status> {
    report.checks().iter().find(|check| check.id == id).map(|check| check.status)
}
