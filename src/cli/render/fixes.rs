//! What `check --fix` did, one line for each root cause.

use owo_colors::OwoColorize;

use super::{style::Look, text::Page};
use crate::{
    facts::redact::clean,
    report::{FixReport, Report, change::Outcome},
};

/// The root causes that were fixed, and those that were not. Empty if there were none to fix.
pub fn fixes(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    let fixes = report.fixes.as_deref().unwrap_or_default();
    for fix in fixes {
        let (glyph, style) = match (fix.outcome, fix.fixed) {
            (Outcome::Done, Some(true)) => (look.glyphs.pass, look.styles.good),
            (Outcome::DryRun | Outcome::Unchanged, _) => (look.glyphs.info, look.styles.dim),
            _ => (look.glyphs.fail, look.styles.bad),
        };
        let text = clean(&format!("{} ({}): {}", fix.title, fix.code, said(fix)));
        page.paragraph(&format!("{} ", glyph.style(style)), 2, &text, look.styles.strong);
    }
    if !fixes.is_empty() {
        page.gap();
    }
    page.done()
}

fn said(fix: &FixReport) -> String {
    let reason = fix.reason.as_deref().unwrap_or("the change failed");
    match (fix.outcome, fix.fixed) {
        (Outcome::Done, Some(true)) => "fixed".to_owned(),
        (Outcome::Done, _) => "the fix was applied, but the cause remains".to_owned(),
        (Outcome::DryRun, _) => "can be fixed".to_owned(),
        (Outcome::Unchanged, _) => "there was nothing to change".to_owned(),
        (Outcome::Partial, _) => format!("stopped part-way: {reason}"),
        (Outcome::Refused | Outcome::Undetermined, _) => format!("not fixed: {reason}"),
    }
}
