//! `check` as text: the data path, the root causes with their fixes, the verdict and the next command.

use owo_colors::OwoColorize;

use super::{
    checks,
    finding::{self, Detail},
    path, server,
    style::Look,
    text::{Page, width_of},
    verdict,
};
use crate::{
    report::{Kind, Report, ReportList, State, Status, Verdict},
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
    let whole = |detail| screen(report, look, detail);
    if report.root_causes().count() != 1 {
        return whole(Detail::FOLDED[0]);
    }
    fullest(look, whole).unwrap_or_else(|| {
        // The path scrolls off. Everything below it can still fit.
        let mut below = Page::new(look);
        body(&mut below, report, Detail::Brief);
        whole(if fits(&below.done(), look) { Detail::Brief } else { Detail::Fix })
    })
}

/// The screen of several stacks, one below the other, with one verdict.
pub fn check_list(list: &ReportList, look: &Look, all: bool) -> String {
    let whole = |detail| {
        let mut page = Page::new(look);
        for report in &list.stacks {
            page.gap();
            path::heading(&mut page, report);
            path::draw(&mut page, report);
            server::line(&mut page, report);
            problems(&mut page, report, detail);
            if !all {
                folded(&mut page, report);
            }
        }
        page.gap();
        page.parts(0, &format!(" {} ", look.glyphs.dot), &verdict::parts_of(list, look));
        if let Some(worst) = worst(list) {
            verdict::next(&mut page, worst);
        }
        page.done()
    };
    if all {
        return whole(Detail::All);
    }
    fullest(look, whole).unwrap_or_else(|| whole(Detail::Fix))
}

/// The report with the worst verdict, the first of several.
fn worst(list: &ReportList) -> Option<&Report> {
    list.stacks.iter().rev().max_by_key(|report| report.verdict)
}

/// The screen with the most detail that still fits. `None` if none does.
fn fullest(look: &Look, screen: impl Fn(Detail) -> String) -> Option<String> {
    Detail::FOLDED.into_iter().map(screen).find(|text| fits(text, look))
}

/// Whether a text fits on the screen, above the line of the shell's prompt.
fn fits(text: &str, look: &Look) -> bool {
    look.width.zip(look.height).is_none_or(|(width, height)| rows(text, width) < height)
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
        server::line(&mut page, report);
    }
    body(&mut page, report, detail);
    page.done()
}

/// Whether the API server did not answer at all.
fn is_unreachable(report: &Report) -> bool {
    let optional = [Component::Server, Component::Agents];
    let states = report.components.each().into_iter().filter(|(component, _)| !optional.contains(component));
    report.target.kubernetes_version.is_none()
        && states.map(|(_, of)| of.state).all(|state| state == State::Unknown)
        && report
            .root_causes()
            .next()
            .is_some_and(|cause| cause.kind == Kind::Obstacle && cause.component == Component::Cluster)
}

/// The part below the heading: findings, checks, verdict, next command.
pub(crate) fn body(page: &mut Page<'_>, report: &Report, detail: Detail) {
    problems(page, report, detail);
    page.gap();
    let listed = is_listed(report, detail);
    if !listed {
        folded(page, report);
    }
    let parts = verdict::parts(report, page.look, listed);
    page.parts(0, &format!(" {} ", page.look.glyphs.dot), &parts);
    if report.preflight.is_none() {
        verdict::next(page, report);
    }
}

/// The findings and, with all details, the checks.
fn problems(page: &mut Page<'_>, report: &Report, detail: Detail) {
    for problem in report.root_causes() {
        page.gap();
        finding::finding(page, report.findings(), problem, detail);
    }
    if detail == Detail::All {
        for finding in report.notes().chain(report.consequences()) {
            page.gap();
            finding::finding(page, report.findings(), finding, detail);
        }
    }
    if is_listed(report, detail) {
        checks::list(page, report);
    }
}

/// Whether the checks are listed. A preflight is a list to go through. In a check, the passed checks would push the
/// problems off the screen.
fn is_listed(report: &Report, detail: Detail) -> bool {
    detail == Detail::All || report.preflight.is_some()
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
