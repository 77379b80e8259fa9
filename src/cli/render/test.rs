//! `test` as text.

use owo_colors::{OwoColorize, Style};

use super::{
    finding, path,
    style::Look,
    tables::table,
    target,
    text::{Page, width_of},
    verdict,
};
use crate::{
    report::{Hop, Report, TestReport, Timing, WatchedResource},
    stack::base::words::short_span,
};

/// The narrowest screen on which times are shown beside their step.
const BESIDE: usize = 72;

/// The whole screen.
pub fn test(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    if let Some(test) = &report.test {
        if test.subject == "dataflow" {
            path::draw(&mut page, report);
            page.blank();
        }
        heading(&mut page, report, test);
        page.blank();
        steps(&mut page, test);
        resources(&mut page, test);
    }
    findings(&mut page, report);
    page.blank();
    page.raw(&verdict::line(report, look));
    verdict::next(&mut page, report);
    page.done()
}

fn heading(page: &mut Page<'_>, report: &Report, test: &TestReport) {
    let look = page.look;
    let title = match test.subject {
        "kubernetes" => "Kubernetes test",
        "operator" => "Operator test",
        "broker" => "Broker test",
        "meshsync" => "MeshSync test",
        "network" => "Network test",
        "server" => "Server test",
        "dataflow" => "Data flow test",
        other => other,
    };
    let mut parts = vec![title.style(look.styles.strong).to_string()];
    // The data path names them already.
    if test.subject != "dataflow" {
        parts.extend(target::place(report, None));
        parts.extend(target::recording(report));
    }
    let dot = format!(" {} ", look.glyphs.dot);
    page.parts(0, &dot, &parts);
}

/// The steps, grouped by broker server.
fn steps(page: &mut Page<'_>, test: &TestReport) {
    let width = test.hops.iter().map(|hop| width_of(&hop.title)).max();
    let beside = page.look.width.is_none_or(|width| width >= BESIDE);
    let servers = matches!(test.subject, "broker" | "network");
    let mut last = None;
    for hop in &test.hops {
        if servers && hop.server != last {
            last.clone_from(&hop.server);
            if let Some(server) = &hop.server {
                page.whole("", server, page.look.styles.strong);
            }
        }
        step(page, hop, width.filter(|_| beside));
    }
}

fn step(page: &mut Page<'_>, hop: &Hop, width: Option<usize>) {
    let (glyph, style) = page.look.status(hop.status);
    let mut words = Vec::new();
    if let Some(timing) = &hop.timing {
        words.push(times(timing));
    }
    words.extend(hop.detail.clone());
    let text = words.join("; ");
    let lead = match width {
        Some(width) => format!("  {} {:<width$}  ", glyph.style(style), hop.title),
        None => format!("  {} {}: ", glyph.style(style), hop.title),
    };
    let indent = match width {
        Some(width) => width + 6,
        None => 6,
    };
    page.paragraph(&lead, indent, &text, Style::new());
}

/// One time, or the distribution of several.
fn times(timing: &Timing) -> String {
    if timing.count < 2 {
        return short_span(timing.p50_micros);
    }
    format!(
        "{} (p95 {}, {} to {}, {} times)",
        short_span(timing.p50_micros),
        short_span(timing.p95_micros),
        short_span(timing.min_micros),
        short_span(timing.max_micros),
        timing.count
    )
}

/// What was observed of each resource: of all with `-o wide`, otherwise only of notable ones.
fn resources(page: &mut Page<'_>, test: &TestReport) {
    if test.resources.is_empty() {
        return;
    }
    page.blank();
    let counted = test.resources.iter().any(|resource| resource.stored.is_some());
    let shown: Vec<&WatchedResource> =
        test.resources.iter().filter(|resource| page.look.wide || is_notable(resource)).collect();
    if !shown.is_empty() {
        let headings = ["resource", "readable", "events", "last", "stored", "served"];
        let columns = if counted { 6 } else { 4 };
        let rows: Vec<Vec<String>> =
            shown.iter().map(|resource| row(resource).into_iter().take(columns).collect()).collect();
        page.raw(&table(&headings[..columns], &rows, page.look));
    }
    if page.look.wide {
        return;
    }
    let all = test.resources.len();
    let readable = test.resources.iter().filter(|r| r.readable == Some(true)).count();
    let text = if readable == all {
        format!("MeshSync can read all {all} resources that it watches. -o wide lists them.")
    } else {
        format!("MeshSync can read at least {readable} of the {all} resources that it watches. -o wide lists them.")
    };
    page.paragraph("  ", 2, &text, page.look.styles.dim);
}

/// Whether something about a resource is notable: events, a missing permission, or a wrong count.
fn is_notable(resource: &WatchedResource) -> bool {
    events(resource) > 0
        || resource.readable == Some(false)
        || (resource.stored.is_some() && resource.stored != resource.served)
}

fn events(resource: &WatchedResource) -> u64 {
    resource.added + resource.modified + resource.deleted
}

fn row(resource: &WatchedResource) -> Vec<String> {
    let number = |value: Option<u64>| value.map_or("-".into(), |value| value.to_string());
    vec![
        resource.resource.clone(),
        match resource.readable {
            Some(true) => "yes".into(),
            Some(false) => "no".into(),
            None => "unknown".into(),
        },
        events(resource).to_string(),
        match resource.last_seen_ms {
            None => "-".into(),
            Some(0) => "just now".into(),
            Some(ms) => format!("{} ago", short_span(ms * 1000)),
        },
        number(resource.stored),
        number(resource.served),
    ]
}

/// The root causes. A test does not show notes.
fn findings(page: &mut Page<'_>, report: &Report) {
    for finding in report.root_causes() {
        page.blank();
        finding::finding(page, report.findings(), finding, finding::Detail::FOLDED[0]);
    }
}
