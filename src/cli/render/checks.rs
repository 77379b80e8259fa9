//! The list of checks as text: each with its status and its id, by category.

use owo_colors::{OwoColorize, Style};

use super::text::Page;
use crate::{
    diagnose,
    report::{Check, Finding, Report, Severity, Status},
};

/// Every check by category, each category with its counts.
pub(crate) fn list(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    for category in report.checks().chunk_by(|a, b| a.category == b.category) {
        page.gap();
        let title = diagnose::category_title(report, category[0].category);
        let counts = counts(category).style(look.styles.dim).to_string();
        page.raw(&format!("{}  {counts}", title.style(look.styles.strong)));
        // Checks that were skipped because of the same failed prerequisite take one line.
        for group in category.chunk_by(|a, b| a.prerequisite.is_some() && a.prerequisite == b.prerequisite) {
            match &group[0].prerequisite {
                Some(prerequisite) if group.len() > 1 => page.paragraph(
                    &format!("  {} ", look.glyphs.skip.style(look.styles.dim)),
                    4,
                    &format!("{} checks skipped; prerequisite failed: {prerequisite}", group.len()),
                    look.styles.dim,
                ),
                _ => group.iter().for_each(|check| one(page, report.findings(), check)),
            }
        }
    }
}

/// The number of checks by status: `2 failed, 11 passed`.
pub(crate) fn counts(checks: &[Check]) -> String {
    let of = |status: Status| checks.iter().filter(|check| check.status == status).count();
    let counts: Vec<String> = [
        (Status::Fail, "failed"),
        (Status::Warn, "warning"),
        (Status::Unknown, "unknown"),
        (Status::Pass, "passed"),
        (Status::Skip, "skipped"),
    ]
    .into_iter()
    .filter(|(status, _)| of(*status) > 0)
    .map(|(status, word)| format!("{} {word}", of(status)))
    .collect();
    counts.join(", ")
}

fn one(page: &mut Page<'_>, findings: &[Finding], check: &Check) {
    let look = page.look;
    let found: Vec<&Finding> = findings.iter().filter(|finding| check.findings.contains(&finding.id)).collect();
    let noted = found.iter().any(|finding| finding.severity == Severity::Info);
    let (glyph, style) = match check.status {
        Status::Pass if noted => look.severity(Severity::Info),
        status => look.status(status),
    };
    let text = match (check.status, &check.reason) {
        // A note says what was found, which may contradict the title.
        (Status::Pass, Some(reason)) if noted => reason.clone(),
        (Status::Pass, Some(detail)) => format!("{}: {detail}", check.title),
        (status, reason) => {
            let word = word(status).map(|word| format!(" ({word})")).unwrap_or_default();
            let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{}{word}{reason}", check.title)
        }
    };
    let style_of_text = if check.status == Status::Skip { look.styles.dim } else { Style::new() };
    let mut names = vec![check.id.as_str()];
    for finding in found {
        if !names.contains(&finding.code.as_str()) {
            names.push(&finding.code);
        }
    }
    page.paragraph_with_tail(
        &format!("  {} ", glyph.style(style)),
        4,
        &text,
        style_of_text,
        &format!("[{}]", names.join(", ")),
    );
}

fn word(status: Status) -> Option<&'static str> {
    match status {
        Status::Pass => None,
        Status::Warn => Some("warning"),
        Status::Fail => Some("failed"),
        Status::Skip => Some("skipped"),
        Status::Unknown => Some("unknown"),
    }
}
