//! The verdict in one line.

use owo_colors::{OwoColorize, Style};

use super::{checks, style::Look, text::Page};
use crate::{
    facts::redact::clean,
    report::{Command, Effect, Kind, Report, ReportList, Severity, Verdict},
    stack::base::words::count,
};

/// The verdict in one line (`--quiet`).
pub fn line(report: &Report, look: &Look) -> String {
    parts(report, look, false).join(&format!(" {} ", look.glyphs.dot))
}

/// The verdict of each stack in one line (`--quiet`).
pub fn lines(list: &ReportList, look: &Look) -> String {
    let line = |report: &Report| format!("{}: {}\n", report.product(), line(report, look));
    list.stacks.iter().map(line).collect()
}

/// The worst verdict, and the verdict and first root cause of each stack.
pub(crate) fn parts_of(list: &ReportList, look: &Look) -> Vec<String> {
    let worst = list.verdict.unwrap_or(Verdict::Unknown);
    let (glyph, style) = mark(worst, look);
    let mut parts = vec![format!("{} {}", glyph.style(style), worst.to_string().style(style))];
    for report in &list.stacks {
        let verdict = report.verdict.unwrap_or(Verdict::Unknown);
        let (_, style) = mark(verdict, look);
        let cause = cause(report);
        parts.push(format!("{} {}{cause}", report.product(), verdict.to_string().style(style)));
    }
    if list.source.kind == "live" {
        parts.push(format!("{} ms", list.duration_ms));
    }
    parts
}

fn mark(verdict: Verdict, look: &Look) -> (&'static str, Style) {
    match verdict {
        Verdict::Healthy => (look.glyphs.pass, look.styles.good),
        Verdict::Degraded => (look.glyphs.warn, look.styles.warning),
        Verdict::Unknown => (look.glyphs.unknown, look.styles.warning),
        Verdict::NotInstalled => (look.glyphs.skip, look.styles.warning),
        Verdict::Unhealthy => (look.glyphs.fail, look.styles.bad),
    }
}

/// The code of the first root cause, after a colon.
fn cause(report: &Report) -> String {
    report.root_causes().next().map(|cause| format!(": {}", clean(&cause.code))).unwrap_or_default()
}

/// The verdict, the first root cause, and the number of root causes by severity; with `counted`, also the number of their
/// consequences and of checks by status.
pub(crate) fn parts(report: &Report, look: &Look, counted: bool) -> Vec<String> {
    let verdict = report.verdict.unwrap_or(Verdict::Unknown);
    let word = match (&report.preflight, verdict) {
        (None, verdict) => verdict.to_string(),
        (Some(preflight), Verdict::Healthy | Verdict::Degraded | Verdict::NotInstalled) => {
            let open = preflight.objects.iter().any(|object| object.action == "unverifiable");
            if open { "can be installed, as far as it can be validated".into() } else { "can be installed".into() }
        }
        (Some(_), Verdict::Unhealthy) => "cannot be installed".into(),
        (Some(_), Verdict::Unknown) => "unknown whether it can be installed".into(),
    };
    let (glyph, style) = mark(verdict, look);
    let cause = cause(report);
    let mut parts = vec![format!("{} {}{cause}", glyph.style(style), word.style(style))];
    let faults = |severity: Severity| {
        report.root_causes().filter(|cause| cause.kind == Kind::Fault && cause.severity == severity).count()
    };
    let consequences = if counted { report.consequences().count() } else { 0 };
    let counts = [
        (faults(Severity::Error), "error", "errors"),
        (faults(Severity::Warning), "warning", "warnings"),
        (consequences, "consequence", "consequences"),
    ];
    parts.extend(counts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, several)| count(*n, one, several)));
    if counted {
        parts.push(format!("{}: {}", count(report.checks().len(), "check", "checks"), checks::counts(report.checks())));
    }
    if let Some(silenced) = report.silenced {
        parts.push(format!("partial: {} excluded", count(silenced, "finding", "findings")));
    }
    if report.source.kind == "live" {
        parts.push(format!("{} ms", report.duration_ms));
    }
    parts
}

/// The command to type now. It comes last, so that it stays on the screen.
pub(crate) fn next(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let Some(cause) = report.root_causes().next().filter(|_| report.verdict != Some(Verdict::Healthy)) else {
        return;
    };
    let harmless = |command: &&Command| command.effect != Effect::Destructive;
    let command = match cause.remedy.commands.first().filter(harmless) {
        Some(command) => command.run.clone(),
        None => format!("{} explain {}", report.target.invocation.program, cause.code),
    };
    page.raw(&format!("{} {}", "Next:".style(look.styles.strong), clean(&command).style(look.styles.command)));
}
