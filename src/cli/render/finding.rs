//! One finding as text: what is wrong, the evidence, and the fix.

use owo_colors::{OwoColorize, Style};

use super::text::{Page, width_of};
use crate::{
    facts::redact::clean,
    report::{Command, Effect, Finding, Kind, Severity},
    stack::base::words::count,
};

/// How much of a finding is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything.
    All,
    /// The first sentences and items, limited to a number of lines.
    Lines {
        /// Lines of the message.
        message: usize,
        /// Items of evidence.
        items: usize,
        /// Lines of each item.
        each: usize,
    },
    /// The headline, the first sentence and the fix.
    Brief,
    /// The headline and the fix.
    Fix,
}

impl Detail {
    /// The levels of detail that `check` uses without `--all`, from most to least.
    pub(crate) const FOLDED: [Self; 6] = [
        Self::Lines { message: 4, items: 3, each: 2 },
        Self::Lines { message: 3, items: 2, each: 2 },
        Self::Lines { message: 3, items: 1, each: 1 },
        Self::Lines { message: 2, items: 0, each: 0 },
        Self::Brief,
        Self::Fix,
    ];
}

/// One of these findings.
pub(crate) fn finding(page: &mut Page<'_>, findings: &[Finding], finding: &Finding, detail: Detail) {
    headline(page, finding);
    match detail {
        Detail::All => {
            page.paragraph("  ", 2, &finding.message, Style::new());
            evidence(page, finding, usize::MAX, usize::MAX);
        }
        Detail::Lines { message, items, each } => {
            let message = page.sentences(2, &finding.message, message);
            page.paragraph("  ", 2, &message, Style::new());
            evidence(page, finding, items, each);
        }
        Detail::Brief => {
            let message = page.sentences(2, &finding.message, 1);
            page.paragraph("  ", 2, &message, Style::new());
        }
        Detail::Fix => {}
    }
    remedy(page, finding);
    let dim = page.look.styles.dim;
    if !finding.caused_by.is_empty() {
        page.paragraph("  ", 2, &format!("Caused by {}.", finding.caused_by.join(", ")), dim);
    }
    let explained = findings.iter().filter(|other| other.caused_by.contains(&finding.id)).count();
    let mut consequences: Vec<&str> = Vec::new();
    for other in findings.iter().filter(|other| other.caused_by.contains(&finding.id)) {
        if !consequences.contains(&other.code.as_str()) {
            consequences.push(&other.code);
        }
    }
    if let Detail::Lines { .. } = detail
        && !consequences.is_empty()
    {
        let named = format!("Also causes {} (--all)", consequences.join(", "));
        let counted = format!("Also causes {} (--all)", count(explained, "finding", "findings"));
        let text = if page.fits(2, &named) { named } else { counted };
        page.paragraph("  ", 2, &text, dim);
    }
}

/// The first items of the evidence, and the first lines of each.
fn evidence(page: &mut Page<'_>, finding: &Finding, items: usize, each: usize) {
    let (bullet, dim) = (page.look.glyphs.bullet, page.look.styles.dim);
    let rest = finding.evidence.len().saturating_sub(items);
    for (number, item) in finding.evidence.iter().take(items).enumerate() {
        let item = page.excerpt(6, item, each);
        let tail = if number + 1 == items && rest > 0 { format!("(and {rest} more: --all)") } else { String::new() };
        page.paragraph_with_tail(&format!("    {bullet} "), 6, &item, dim, &tail);
    }
}

/// The first line: the fact on the left, severity and code on the right or below.
fn headline(page: &mut Page<'_>, finding: &Finding) {
    let look = page.look;
    let (glyph, style) = match finding.kind {
        Kind::Obstacle if finding.severity == Severity::Error => (look.glyphs.unknown, look.styles.warning),
        _ => look.severity(finding.severity),
    };
    let word = match finding.kind {
        Kind::Obstacle => "not checked".to_owned(),
        Kind::Fault => finding.severity.to_string(),
    };
    let fact = clean(&finding.title);
    let code = format!("{word} {} {}", look.glyphs.dot, clean(&finding.code));
    let used = 2 + width_of(&fact) + 2 + width_of(&code);
    let shown = code.style(look.styles.dim);
    match look.width {
        Some(width) if used <= width => {
            let space = " ".repeat(width.min(110).max(used) - used + 2);
            page.raw(&format!("{} {}{space}{shown}", glyph.style(style), fact.style(look.styles.strong)));
        }
        Some(_) => {
            page.paragraph(&format!("{} ", glyph.style(style)), 2, &fact, look.styles.strong);
            page.raw(&format!("  {shown}"));
        }
        None => page.raw(&format!("{} {}  {shown}", glyph.style(style), fact.style(look.styles.strong))),
    }
}

/// The fix: a sentence, then its commands, each on its own line so that it can be pasted.
fn remedy(page: &mut Page<'_>, finding: &Finding) {
    let look = page.look;
    if !finding.remedy.text.is_empty() {
        page.paragraph(&format!("  {} ", "Fix:".style(look.styles.strong)), 7, &finding.remedy.text, Style::new());
    }
    let mut above = None;
    for command in &finding.remedy.commands {
        if let Some(label) = label(above, command) {
            page.raw(&format!("    {}", label.style(look.styles.dim)));
        }
        page.raw(&format!("      {}", clean(&command.run).style(look.styles.command)));
        above = Some(command);
    }
}

/// The effect of a command, if it differs from that of the command above.
fn label(above: Option<&Command>, command: &Command) -> Option<&'static str> {
    let kind = |command: &Command| (command.effect, command.last_resort);
    if above.map_or((Effect::Read, false), kind) == kind(command) {
        return None;
    }
    Some(match kind(command) {
        (Effect::Read, _) => "then check:",
        (Effect::Write, false) => "changes the cluster:",
        (Effect::Write, true) => "last resort, changes the cluster:",
        (Effect::Destructive, false) => "deletes objects:",
        (Effect::Destructive, true) => "last resort, deletes objects:",
    })
}
