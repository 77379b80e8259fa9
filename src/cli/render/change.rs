//! What a changing command is about to do, does, and has done.

use std::time::Duration;

use owo_colors::{OwoColorize, Style};

use super::{style::Look, text::Page};
use crate::{
    facts::redact::clean,
    repair::{
        operation::Operation,
        plan::{Action, Step, Until},
        progress::{Event, Stage},
    },
    report::change::{ChangeReport, ChangedField, Outcome, StepReport},
};

/// A plan that the user has seen already.
pub struct Shown<'a> {
    /// The number of steps of earlier plans.
    pub before: usize,
    /// The plan.
    pub plan: &'a ChangeReport,
}

/// The plan and how it ended. If the plan was shown before, only what is new or not done is shown.
pub fn change(report: &ChangeReport, shown: Option<&Shown<'_>>, look: &Look) -> String {
    let mut page = Page::new(look);
    let is_new = |index: usize, step: &StepReport| match (shown, report.outcome) {
        (None, _) => true,
        (Some(shown), Outcome::Done) => index >= shown.before + shown.plan.steps.len(),
        (Some(_), Outcome::Partial) => !step.done,
        (Some(_), _) => false,
    };
    let known = shown.map(|shown| shown.plan.warnings.as_slice()).unwrap_or_default();
    let warnings: Vec<&String> = report.warnings.iter().filter(|warning| !known.contains(warning)).collect();
    steps(report, &warnings, is_new, shown.is_none(), &mut page);
    for line in ending(report) {
        page.paragraph("", 0, &clean(&line), look.styles.strong);
    }
    let (label, indent) = match (report.outcome, &report.backup) {
        (Outcome::Done, Some(_)) => ("Restore: ", 0),
        (Outcome::Done | Outcome::Unchanged, _) => ("Next: ", 0),
        _ => ("", 2),
    };
    for line in &report.instead {
        let first = format!("{}{}", " ".repeat(indent), label.style(look.styles.strong));
        page.whole(&first, &clean(line), look.styles.command);
    }
    page.done()
}

/// The plan alone, for the question or before the first change.
pub fn plan(report: &ChangeReport, look: &Look) -> String {
    let mut page = Page::new(look);
    let warnings: Vec<&String> = report.warnings.iter().collect();
    steps(report, &warnings, |_, _| true, true, &mut page);
    page.done()
}

/// How it ended, in one line (`--quiet`).
pub fn outcome(report: &ChangeReport, look: &Look) -> String {
    let mut page = Page::new(look);
    page.whole("", &clean(&sentence(report)), look.styles.strong);
    page.done()
}

/// A step as a line of the live list: `15/17 MeshSync meshery-meshsync created`.
pub fn step(event: &Event<'_>, stalled: Option<Duration>, look: &Look) -> String {
    let total = event.total.to_string();
    let number = format!("{:>width$}/{total}", event.number, width = total.len());
    match event.stage {
        Stage::Begun => format!("{number} {}", doing(event.step)),
        Stage::Waiting { lacks, elapsed, limit } => {
            waiting(&format!("{number} {}", doing(event.step)), lacks, elapsed, limit, stalled)
        }
        Stage::Done => {
            let glyph = look.glyphs.pass.style(look.styles.good);
            format!("{glyph} {number} {}", clean(&done(event.step)))
        }
    }
}

/// A wait: what is missing, the elapsed time and the timeout.
pub fn waiting(what: &str, lacks: &str, elapsed: Duration, limit: Duration, stalled: Option<Duration>) -> String {
    // Rounded, so that the line does not change every second.
    let stalled = stalled.map(|it| format!(", no progress for {} s", it.as_secs() / 5 * 5)).unwrap_or_default();
    clean(&format!("{what}: {lacks} ({} s of {}{stalled})", elapsed.as_secs(), limit_of(limit)))
}

/// How long a wait has lasted, and its timeout: ` (12 s of 5m)`. The first second of a wait without a timeout is not shown.
pub fn spent(elapsed: Duration, limit: Option<Duration>) -> String {
    let seconds = elapsed.as_secs();
    match limit {
        Some(limit) => format!(" ({seconds} s of {})", limit_of(limit)),
        None if seconds == 0 => String::new(),
        None => format!(" ({seconds} s)"),
    }
}

/// A timeout as the user writes it: `5m`, `1m30s`, `45s`.
fn limit_of(limit: Duration) -> String {
    // The rest of a longer timeout is a little less than whole seconds.
    let limit = limit + Duration::from_millis(500);
    let (minutes, seconds) = (limit.as_secs() / 60, limit.as_secs() % 60);
    match (minutes, seconds) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// What a step is doing: `creating MeshSync meshery-meshsync`.
pub fn doing(step: &Step) -> String {
    let id = &step.id;
    match &step.action {
        Action::Create(_) => format!("creating {id}"),
        Action::Apply { .. } | Action::Patch { .. } => format!("changing {id}"),
        Action::Replace { .. } => format!("recreating {id}"),
        Action::Delete { .. } => format!("deleting {id}"),
        Action::ClearFinalizers { .. } => format!("clearing the finalizers of {id}"),
        Action::Restart => format!("restarting {id}"),
        Action::Wait(Until::Gone) => format!("waiting for the deletion of {id}"),
        Action::Wait(_) => format!("waiting for {id}"),
        Action::Server(Operation::Wait { goal, .. }) => format!("waiting until {}", goal.words()),
        Action::Server(operation) => format!("{} {id}", operation.doing()),
    }
}

fn done(step: &Step) -> String {
    let verb = match &step.action {
        Action::Create(_) => "created",
        Action::Apply { .. } | Action::Patch { .. } => "changed",
        Action::Replace { .. } => "recreated",
        Action::Delete { .. } => "deleted",
        Action::ClearFinalizers { .. } => "finalizers cleared",
        Action::Restart => "restarted",
        Action::Wait(Until::Gone) => "gone",
        Action::Wait(_) => "ready",
        Action::Server(Operation::Wait { goal, .. }) => return goal.words(),
        Action::Server(operation) => operation.done(),
    };
    format!("{} {verb}", step.id)
}

fn steps(
    report: &ChangeReport,
    warnings: &[&String],
    is_shown: impl Fn(usize, &StepReport) -> bool,
    with_unchanged: bool,
    page: &mut Page<'_>,
) {
    let look = page.look;
    let steps: Vec<(usize, &StepReport)> =
        report.steps.iter().enumerate().filter(|(index, step)| is_shown(*index, step)).collect();
    for warning in warnings {
        let first = format!("{} ", look.glyphs.warn);
        page.paragraph(&first, 2, &clean(warning), look.styles.warning);
    }
    if !warnings.is_empty() && !steps.is_empty() {
        page.blank();
    }
    let width = steps.iter().map(|(_, step)| action(step).0.len()).max().unwrap_or_default();
    for (index, step) in &steps {
        let sign = match (report.outcome, step.done) {
            (Outcome::Done | Outcome::Partial, true) => look.glyphs.pass,
            (Outcome::Partial, false) => look.glyphs.skip,
            _ => " ",
        };
        let (word, style) = action(step);
        let style = style(look);
        let indent = format!("{sign} {:>2}  {word:<width$}  ", index + 1).chars().count();
        let padding = " ".repeat(width - word.len());
        let lead = format!("{sign} {:>2}  {}{padding}  ", index + 1, word.style(style));
        page.paragraph(&lead, indent, &subject(step), look.styles.strong);
        for field in &step.changes {
            change_of(field, indent, page);
        }
    }
    if steps.is_empty() {
        return;
    }
    if with_unchanged && !report.unchanged.is_empty() {
        let text = format!("unchanged: {}", report.unchanged.join(", "));
        page.paragraph("      ", 6, &clean(&text), look.styles.dim);
    }
    page.blank();
}

/// The word for an action, and its style: green creates, yellow changes, red deletes.
fn action(step: &StepReport) -> (&'static str, fn(&Look) -> Style) {
    match step.action {
        "create" => ("create", |look| look.styles.good),
        "upload" => ("upload", |look| look.styles.good),
        "rediscover" => ("rediscover", |look| look.styles.good),
        "connect" => ("connect", |look| look.styles.good),
        "switch" => ("switch", |look| look.styles.warning),
        "change" => ("change", |look| look.styles.warning),
        "restart" => ("restart", |look| look.styles.warning),
        "replace" => ("recreate", |look| look.styles.bad),
        "wait" => ("wait", |look| look.styles.dim),
        other => (other, |look| look.styles.bad),
    }
}

/// A field that changes: its path, the old value in red and the new one in green.
fn change_of(field: &ChangedField, indent: usize, page: &mut Page<'_>) {
    let look = page.look;
    let lead = " ".repeat(indent);
    page.paragraph(&lead, indent, &clean(&field.path), look.styles.dim);
    for (sign, value, style) in [("-", &field.before, look.styles.bad), ("+", &field.after, look.styles.good)] {
        if let Some(value) = value {
            let text = clean(&short(value));
            page.whole(&format!("{lead}  "), &format!("{sign} {text}"), style);
        }
    }
}

fn subject(step: &StepReport) -> String {
    let mut text = format!("{} {}", step.object_kind, clean(&step.name));
    if step.action == "wait" {
        text.push(' ');
        text.push_str(step.why.as_deref().unwrap_or_default());
    } else if let Some(why) = &step.why {
        text.push_str(&format!(" ({})", clean(why)));
    }
    text
}

/// A value on one line, cut if it is long.
fn short(value: &serde_json::Value) -> String {
    const MOST: usize = 60;
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).collect::<String>() + "…"
}

/// How it ended, and what was kept.
fn ending(report: &ChangeReport) -> Vec<String> {
    let mut lines = vec![sentence(report)];
    if report.outcome == Outcome::Done && !report.kept.is_empty() {
        lines.push(format!("Kept: {}.", report.kept.join(", ")));
    }
    lines.extend(report.evidence.iter().map(|seen| format!("Seen: {seen}.")));
    lines
}

fn sentence(report: &ChangeReport) -> String {
    let reason = report.reason.as_deref().unwrap_or_default();
    let done = report.steps.iter().filter(|step| step.done).count();
    match report.outcome {
        Outcome::Unchanged if !reason.is_empty() => format!("Nothing to change, but {reason}."),
        Outcome::Unchanged => "Nothing to do.".into(),
        Outcome::DryRun => "Nothing was changed: this was a dry run.".into(),
        Outcome::Refused => format!("Refused, nothing was changed: {reason}."),
        Outcome::Undetermined => format!("Nothing was changed: {reason}."),
        Outcome::Done => {
            let verified = report.verified.as_ref().map(|it| format!(" Verified: {it}.")).unwrap_or_default();
            let backup = report.backup.as_ref().map(|file| format!(" Backup of the removed objects: {file}"));
            format!("Done.{verified}{}", backup.unwrap_or_default())
        }
        Outcome::Partial if done == report.steps.len() => {
            format!("Stopped after {done} steps: {reason}. Run the same command again to continue.")
        }
        Outcome::Partial => format!(
            "Stopped at step {} of {}: {reason}. Run the same command again to continue.",
            done + 1,
            report.steps.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        report::change::ChangeTarget,
        stack::object::{self, Id},
    };

    fn look() -> Look {
        Look::plain()
    }

    fn wait() -> Step {
        Step::new(Id::of(object::STATEFUL_SET, Some("meshery"), "meshery-nats"), Action::Wait(Until::RolledOut))
    }

    fn report(outcome: Outcome, done: &[bool]) -> ChangeReport {
        let mut report = ChangeReport::new(ChangeTarget::default(), outcome, 0, Some("timed out".into()));
        report.steps = done
            .iter()
            .enumerate()
            .map(|(number, done)| StepReport {
                action: if number == 0 { "create" } else { "change" },
                api_version: "apps/v1".into(),
                object_kind: "Deployment".into(),
                namespace: None,
                name: format!("d{number}"),
                why: None,
                changes: vec![ChangedField {
                    path: "spec.replicas".into(),
                    before: Some(json!(0)),
                    after: Some(json!(1)),
                }],
                done: *done,
            })
            .collect();
        report
    }

    #[test]
    fn live_list_names_the_step_and_what_it_waits_for() {
        let step = wait();
        let lines = [
            Stage::Begun,
            Stage::Waiting {
                lacks: "0 of 1 pods ready",
                elapsed: Duration::from_secs(12),
                limit: Duration::from_secs(300),
            },
            Stage::Done,
        ]
        .map(|stage| super::step(&Event { step: &step, number: 6, total: 17, stage }, None, &look()));
        assert_eq!(
            lines,
            [
                " 6/17 waiting for StatefulSet meshery-nats",
                " 6/17 waiting for StatefulSet meshery-nats: 0 of 1 pods ready (12 s of 5m)",
                "✓  6/17 StatefulSet meshery-nats ready",
            ]
        );
        let ascii = Look::new(false, false, None, false);
        let done = super::step(&Event { step: &step, number: 1, total: 1, stage: Stage::Done }, None, &ascii);
        assert_eq!(done, "+ 1/1 StatefulSet meshery-nats ready");
    }

    #[test]
    fn stalled_wait_says_since_when() {
        let line = waiting("x", "y", Duration::from_secs(31), Duration::from_secs(90), Some(Duration::from_secs(17)));
        assert_eq!(line, "x: y (31 s of 1m30s, no progress for 15 s)");
    }

    #[test]
    fn changed_fields_are_shown_as_removed_and_added_lines() {
        let text = plan(&report(Outcome::DryRun, &[false]), &look());
        assert_eq!(
            text,
            "   1  create  Deployment d0\n              spec.replicas\n                - 0\n                + 1\n\n"
        );
    }

    #[test]
    fn creation_is_green_change_is_yellow_and_old_values_are_red() {
        let look = Look::new(true, true, None, false);
        let text = plan(&report(Outcome::DryRun, &[false, false]), &look);
        for styled in [
            "create".style(look.styles.good).to_string(),
            "change".style(look.styles.warning).to_string(),
            "- 0".style(look.styles.bad).to_string(),
            "+ 1".style(look.styles.good).to_string(),
        ] {
            assert!(text.contains(&styled), "{styled:?} is not in {text:?}");
        }
    }

    #[test]
    fn plan_that_was_shown_is_not_repeated() {
        let planned = report(Outcome::DryRun, &[false, false]);
        let shown = Shown { before: 0, plan: &planned };
        let done = change(&report(Outcome::Done, &[true, true]), Some(&shown), &look());
        assert_eq!(done, "Done.\n");
        let partial = change(&report(Outcome::Partial, &[true, false]), Some(&shown), &look());
        assert!(partial.starts_with("-  2  change  Deployment d1\n") && !partial.contains("d0"), "{partial}");
        assert!(partial.contains("Stopped at step 2 of 2: timed out. Run the same"), "{partial}");
        let refused = change(&report(Outcome::Refused, &[false, false]), Some(&shown), &look());
        assert_eq!(refused, "Refused, nothing was changed: timed out.\n");
    }
}
