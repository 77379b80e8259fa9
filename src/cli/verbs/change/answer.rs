//! The answer of a command that changes something.

use serde_json::Value;

use super::Run;
use crate::{
    cli::{args::Format, exit::Exit, output::Redacted, render, terminal::Unwritable},
    facts::redact,
    repair::{
        operation::Operation,
        plan::{Action, Plan, Step},
    },
    report::change::{ChangeReport, ChangeTarget, ChangedField, Outcome, StepReport},
};

impl Run<'_> {
    pub(super) fn report(&self, outcome: Outcome, reason: Option<String>, plan: &Plan, done: usize) -> ChangeReport {
        let target = ChangeTarget {
            context: self.context.borrow().clone(),
            namespace: self.namespace().to_owned(),
            profile: self.profile.name,
            server: self.server.borrow().clone(),
        };
        let steps = plan.steps.iter().enumerate().map(|(number, step)| step_report(step, number < done));
        ChangeReport {
            warnings: plan.warnings.iter().chain(self.notes.borrow().iter()).cloned().collect(),
            steps: self.earlier.borrow().iter().cloned().chain(steps).collect(),
            unchanged: plan.unchanged.iter().map(ToString::to_string).collect(),
            backup: self.kept.borrow().clone(),
            evidence: self.evidence.borrow().clone(),
            ..ChangeReport::new(target, outcome, code_of(outcome).code(), reason)
        }
    }

    /// The plan as it is shown before it is applied.
    pub(super) fn planned(&self, plan: &Plan) -> ChangeReport {
        let mut planned = self.report(Outcome::DryRun, None, plan, 0);
        planned.steps.drain(..self.earlier.borrow().len());
        planned
    }

    /// Prints the plan before the first change, so that nothing is changed if it cannot be printed. It is printed to
    /// stdout, unless it was shown there with the question. For programs an empty line precedes the document.
    pub(super) fn show_plan(&self, plan: &Plan, asked: bool) -> Result<(), Unwritable> {
        if self.is_machine() {
            return self.terminal.announce(&Redacted::own("\n".into()));
        }
        if self.terminal.quiet || (asked && self.terminal.stdout) {
            return Ok(());
        }
        let planned = self.planned(plan);
        let look = self.terminal.look(self.global.output == Format::Wide);
        self.terminal.announce(&Redacted::text(render::plan(&planned, &look)))?;
        *self.shown.borrow_mut() = Some(planned);
        Ok(())
    }

    /// Prints the plan of a dry run, unless a document for programs contains it.
    pub(crate) fn show(&self, report: &ChangeReport) -> Result<(), Unwritable> {
        if self.is_machine() || self.terminal.quiet {
            return Ok(());
        }
        let look = self.terminal.look(self.global.output == Format::Wide);
        self.terminal.announce(&Redacted::text(render::plan(report, &look)))
    }

    /// Writes the answer. If it cannot be written, the exit code says whether something was changed.
    pub(super) fn answer(&self, report: &ChangeReport) -> Exit {
        let text = super::super::rendered(report, self.global.output, |wide| {
            let look = self.terminal.look(wide);
            if self.terminal.quiet {
                return render::outcome(report, &look);
            }
            let shown = self.shown.borrow();
            let shown = shown.as_ref().map(|shown| render::Shown { before: self.earlier.borrow().len(), plan: shown });
            render::change(report, shown.as_ref(), &look)
        });
        let exit = exit_of(report);
        let Err(error) = self.terminal.answer(&text) else {
            return exit;
        };
        let (exit, far) = match report.outcome {
            Outcome::Undetermined => (exit, "nothing was changed".to_owned()),
            Outcome::Unchanged | Outcome::DryRun | Outcome::Refused => {
                (Exit::Refused, "nothing was changed".to_owned())
            }
            Outcome::Done => (Exit::Partial, "everything is done".to_owned()),
            Outcome::Partial => (Exit::Partial, how_far(&report.steps)),
        };
        self.terminal.say(&format!("error: {error}; {far}"));
        exit
    }
}

/// Which of these steps are done, and which are not.
fn how_far(steps: &[StepReport]) -> String {
    let list = |done: bool| {
        let names: Vec<String> = steps
            .iter()
            .filter(|step| step.done == done)
            .map(|step| format!("{} {} {}", step.action, step.object_kind, step.name))
            .collect();
        if names.is_empty() { "nothing".into() } else { names.join(", ") }
    };
    format!("done: {}; not done: {}", list(true), list(false))
}

/// The exit code. A redeploy that changes nothing and leaves an unhealthy stack is not a success.
pub(super) fn exit_of(report: &ChangeReport) -> Exit {
    match report.outcome {
        Outcome::Unchanged if report.reason.is_some() => Exit::Findings,
        outcome => code_of(outcome),
    }
}

fn code_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Unchanged | Outcome::DryRun | Outcome::Done => Exit::Ok,
        Outcome::Refused => Exit::Refused,
        Outcome::Undetermined => Exit::Undetermined,
        Outcome::Partial => Exit::Partial,
    }
}

fn step_report(step: &Step, done: bool) -> StepReport {
    let shown = |path: &str, value: Option<&Value>| value.map(|value| redact::field(&step.id.kind, path, value));
    StepReport {
        action: step.verb(),
        api_version: step.id.api_version.clone(),
        object_kind: step.id.kind.clone(),
        namespace: step.id.namespace.clone(),
        name: step.id.name.clone(),
        why: match &step.action {
            Action::Wait(until) => Some(format!("until it is {until}")),
            Action::Server(Operation::Wait { goal, .. }) => Some(format!("until {}", goal.words())),
            _ => step.why.clone(),
        },
        changes: step
            .changes()
            .iter()
            .map(|field| ChangedField {
                path: field.path.clone(),
                before: shown(&field.path, field.before.as_ref()),
                after: shown(&field.path, field.after.as_ref()),
            })
            .collect(),
        done,
    }
}
