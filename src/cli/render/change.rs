//! What a changing command is about to do, and what came of it.

use super::{style::Look, text::Page};
use crate::{
    facts::redact::clean,
    report::change::{ChangeReport, Outcome, StepReport},
};

/// The plan, or what is done and what is not, and how it ended.
pub fn change(report: &ChangeReport, look: &Look) -> String {
    let mut page = Page::new(look);
    steps(report, look, &mut page);
    page.paragraph("", 0, &clean(&last_words(report)), look.styles.strong);
    for line in &report.instead {
        page.whole("  ", &clean(line), look.styles.command);
    }
    page.done()
}

/// The plan alone, for whoever is asked about it.
pub fn plan(report: &ChangeReport, look: &Look) -> String {
    let mut page = Page::new(look);
    steps(report, look, &mut page);
    page.done()
}

fn steps(report: &ChangeReport, look: &Look, page: &mut Page<'_>) {
    for warning in &report.warnings {
        let first = format!("{} ", look.glyphs.warn);
        page.paragraph(&first, 2, &clean(warning), look.styles.warning);
    }
    if !report.warnings.is_empty() && !report.steps.is_empty() {
        page.blank();
    }
    let width = report.steps.iter().map(|step| step.action.len()).max().unwrap_or_default();
    for (number, step) in report.steps.iter().enumerate() {
        let sign = match (report.outcome, step.done) {
            (Outcome::Done | Outcome::Partial, true) => look.glyphs.pass,
            (Outcome::Partial, false) => look.glyphs.skip,
            _ => " ",
        };
        let lead = format!("{sign} {:>2}  {:<width$}  ", number + 1, step.action);
        page.paragraph(&lead, lead.chars().count(), &subject(step), look.styles.strong);
        for field in &step.changes {
            let value = |value: &Option<serde_json::Value>| match value {
                Some(value) => clean(&short(value)),
                None => "nothing".into(),
            };
            let text = format!("{}: {} becomes {}", clean(&field.path), value(&field.before), value(&field.after));
            let indent = lead.chars().count();
            page.paragraph(&" ".repeat(indent), indent + 2, &text, look.styles.dim);
        }
    }
    if !report.unchanged.is_empty() && !report.steps.is_empty() {
        let text = format!("unchanged: {}", report.unchanged.join(", "));
        page.paragraph("      ", 6, &clean(&text), look.styles.dim);
    }
    if !report.steps.is_empty() {
        page.blank();
    }
}

fn subject(step: &StepReport) -> String {
    let mut text = format!("{} {}", step.object_kind, clean(&step.name));
    if step.action == "wait" {
        text.push_str(": ");
        text.push_str(step.why.as_deref().unwrap_or_default());
    } else if let Some(why) = &step.why {
        text.push_str(&format!(" ({})", clean(why)));
    }
    text
}

/// A value on one line, as far as it fits.
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

fn last_words(report: &ChangeReport) -> String {
    let reason = report.reason.as_deref().unwrap_or_default();
    let done = report.steps.iter().filter(|step| step.done).count();
    match report.outcome {
        Outcome::Unchanged => "Nothing to do.".into(),
        Outcome::DryRun => "Nothing was changed: this was a dry run.".into(),
        Outcome::Refused => format!("Refused, nothing was changed: {reason}."),
        Outcome::Undetermined => format!("Nothing was changed: {reason}."),
        Outcome::Done => match &report.backup {
            Some(file) => format!("Done. A copy of what was removed is in {file}."),
            None => "Done.".into(),
        },
        Outcome::Partial if done == report.steps.len() => {
            format!("Stopped after {done} steps: {reason}. The same command goes on from there.")
        }
        Outcome::Partial => format!(
            "Stopped at step {} of {}: {reason}. The same command goes on from there.",
            done + 1,
            report.steps.len()
        ),
    }
}
