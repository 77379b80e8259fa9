//! The answer of a command that changes something.

use std::borrow::Cow;

use serde_json::Value;

use super::Run;
use crate::{
    cli::{args::Format, exit::Exit, output::Redacted, render, terminal::Unwritable},
    facts::redact,
    repair::plan::{Action, Plan, Step},
    report::change::{ChangeReport, ChangeTarget, ChangedField, Outcome, StepReport},
};

impl Run<'_> {
    pub(super) fn report(&self, outcome: Outcome, reason: Option<String>, plan: &Plan, done: usize) -> ChangeReport {
        let target = ChangeTarget {
            context: self.context.borrow().clone(),
            namespace: self.namespace().to_owned(),
            profile: self.profile.name,
        };
        let steps = plan.steps.iter().enumerate().map(|(number, step)| step_report(step, number < done));
        ChangeReport {
            warnings: plan.warnings.iter().chain(self.notes.borrow().iter()).cloned().collect(),
            steps: self.earlier.borrow().iter().cloned().chain(steps).collect(),
            unchanged: plan.unchanged.iter().map(ToString::to_string).collect(),
            backup: self.kept.borrow().clone(),
            ..ChangeReport::new(target, outcome, exit_of(outcome).code(), reason)
        }
    }

    /// Tells the plan before the first change, so that nothing is changed if it cannot be told. People read it on
    /// standard output, unless they have seen it with the question; for programs an empty line goes before the document.
    pub(super) fn tell(&self, plan: &Plan, asked: bool) -> Result<(), Unwritable> {
        let wide = match self.global.output {
            Format::Json | Format::Yaml => {
                return self.terminal.announce(&Redacted::own("\n".into()));
            }
            Format::Table => false,
            Format::Wide => true,
        };
        if asked && self.terminal.stdout {
            return Ok(());
        }
        let mut planned = self.report(Outcome::DryRun, None, plan, 0);
        planned.steps.drain(..self.earlier.borrow().len());
        self.terminal.announce(&Redacted::text(render::plan(&planned, &self.terminal.look(wide))))?;
        *self.told.borrow_mut() = Some(planned);
        Ok(())
    }

    /// Writes the answer. If it cannot be written, the exit code says whether something was changed.
    pub(super) fn answer(&self, report: &ChangeReport) -> Exit {
        let text = super::super::rendered(report, self.global.output, |wide| {
            render::change(&self.untold(report), &self.terminal.look(wide))
        });
        let exit = exit_of(report.outcome);
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

    /// What is left to tell of a change that is done and whose plan was told.
    pub(super) fn untold<'r>(&self, report: &'r ChangeReport) -> Cow<'r, ChangeReport> {
        let told = self.told.borrow();
        let Some(told) = told.as_ref().filter(|_| matches!(report.outcome, Outcome::Done)) else {
            return Cow::Borrowed(report);
        };
        let mut rest = report.clone();
        let before = self.earlier.borrow().len() + told.steps.len();
        rest.steps.drain(..before.min(report.steps.len()));
        rest.warnings.retain(|warning| !told.warnings.contains(warning));
        rest.unchanged.clear();
        Cow::Owned(rest)
    }
}

/// What is done of these steps and what is not.
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

pub(super) fn exit_of(outcome: Outcome) -> Exit {
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
