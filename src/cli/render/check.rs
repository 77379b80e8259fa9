//! `check` as text: the data path, the root causes with their fixes, the verdict and the next command.

use owo_colors::OwoColorize;

use super::{
    checks,
    finding::{self, Detail},
    path,
    style::Look,
    text::{Page, width_of},
    verdict,
};
use crate::{
    report::{Kind, Report, State, Status, Verdict},
    stack::{base::words::count, component::Component},
};

/// The whole screen. With `all`, also the notes, the consequences of the root causes, and every check.
///
/// Without it, one root cause is shown as fully as the screen has room for, so that the cause does not scroll off.
pub fn check(report: &Report, look: &Look, all: bool) -> String {
    if all {
        return screen(report, look, Detail::All);
    }
    if is_unreachable(report) {
        return screen(report, look, Detail::Fix);
    }
    let first = Detail::FOLDED[0];
    let Some((width, height)) = look.width.zip(look.height).filter(|_| report.root_causes().count() == 1) else {
        return screen(report, look, first);
    };
    // The shell's prompt needs one line.
    let fits = |text: &String| rows(text, width) < height;
    let mut screens = Detail::FOLDED.into_iter().map(|detail| screen(report, look, detail));
    screens.find(fits).unwrap_or_else(|| {
        // The path scrolls off. Everything below it can still fit.
        let mut below = Page::new(look);
        body(&mut below, report, Detail::Brief);
        let detail = if fits(&below.done()) { Detail::Brief } else { Detail::Fix };
        screen(report, look, detail)
    })
}

/// The number of screen lines of a text, with long lines wrapped.
fn rows(text: &str, width: usize) -> usize {
    text.lines().map(|line| width_of(line).div_ceil(width).max(1)).sum()
}

fn screen(report: &Report, look: &Look, detail: Detail) -> String {
    let mut page = Page::new(look);
    // Without an answer from the cluster there is no path to show.
    if detail == Detail::All || !is_unreachable(report) {
        path::draw(&mut page, report);
    }
    body(&mut page, report, detail);
    page.done()
}

/// Whether the API server did not answer at all.
fn is_unreachable(report: &Report) -> bool {
    let components = &report.components;
    let states = [components.operator.state, components.meshsync.state, components.broker.component.state];
    report.target.kubernetes_version.is_none()
        && states.iter().all(|state| *state == State::Unknown)
        && report
            .root_causes()
            .next()
            .is_some_and(|cause| cause.kind == Kind::Obstacle && cause.component == Component::Cluster)
}

/// The part below the heading: findings, checks, verdict, next command.
pub(crate) fn body(page: &mut Page<'_>, report: &Report, detail: Detail) {
    let all = detail == Detail::All;
    for problem in report.root_causes() {
        page.gap();
        finding::finding(page, report.findings(), problem, detail);
    }
    if all {
        for finding in report.notes().chain(report.consequences()) {
            page.gap();
            finding::finding(page, report.findings(), finding, detail);
        }
    }
    // A preflight is a list to go through. In a check, the passed checks would push the problems off the screen.
    let listed = all || report.preflight.is_some();
    if listed {
        checks::list(page, report);
    }
    page.gap();
    if !listed {
        folded(page, report);
    }
    let parts = verdict::parts(report, page.look, listed);
    page.parts(0, &format!(" {} ", page.look.glyphs.dot), &parts);
    if report.preflight.is_none() {
        verdict::next(page, report);
    }
}

/// What `--all` would add, as counts.
fn folded(page: &mut Page<'_>, report: &Report) {
    if is_unreachable(report) {
        return;
    }
    let look = page.look;
    let unknown = report.checks().iter().filter(|check| check.status == Status::Unknown).count();
    let counts = [
        (report.consequences().count(), "consequence", "consequences"),
        (report.notes().count(), "note", "notes"),
        (unknown, "check unknown", "checks unknown"),
    ];
    let parts: Vec<String> =
        counts.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, several)| count(n, one, several)).collect();
    if !parts.is_empty() {
        let is_healthy = report.verdict == Some(Verdict::Healthy);
        let glyph = if unknown > 0 && !is_healthy { look.glyphs.unknown } else { look.glyphs.info };
        let text = format!("{} (--all)", parts.join(", "));
        page.paragraph(&format!("{} ", glyph.style(look.styles.dim)), 2, &text, look.styles.dim);
    }
}
