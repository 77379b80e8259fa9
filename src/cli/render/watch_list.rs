//! `watch-list` as text.

use super::{finding, style::Look, tables, text::Page};
use crate::report::{WatchListEntry, WatchListReport};

/// The entries, each with its result, then the findings.
pub fn watch_list(report: &WatchListReport, look: &Look) -> String {
    let mut text = String::new();
    if !report.entries.is_empty() {
        let rows: Vec<Vec<String>> = report.entries.iter().map(row).collect();
        text = tables::table(&["resource", "events", "result", "line:column"], &rows, look);
    }
    let mut page = Page::new(look);
    for finding in &report.findings {
        page.blank();
        finding::finding(&mut page, &report.findings, finding, finding::Detail::All);
    }
    page.blank();
    page.paragraph("  ", 2, &summary(report), look.styles.strong);
    if let Some(why) = &report.unresolved {
        let said = format!("The entries were not compared with the kinds that a cluster serves: {why}.");
        page.paragraph("  ", 2, &said, look.styles.dim);
    }
    text + &page.done()
}

/// The summary alone (`--quiet`).
pub fn watch_list_summary(report: &WatchListReport, look: &Look) -> String {
    let mut page = Page::new(look);
    page.whole("", &summary(report), look.styles.strong);
    page.done()
}

fn row(entry: &WatchListEntry) -> Vec<String> {
    let what = match entry.standing {
        "watched" => "watched",
        "ignored" => "ignored: served, but not built into MeshSync",
        "unknown" => "ignored: not served by the cluster",
        "malformed" => "ignored: not <plural>.<version>.<group>",
        "excluded" => "excluded",
        _ => "ignored: not built into MeshSync",
    };
    let meant = entry.meant.as_ref().map(|meant| format!("; {meant}?")).unwrap_or_default();
    let events = if entry.events.is_empty() { "-".to_owned() } else { entry.events.join(",") };
    vec![entry.resource.clone(), events, format!("{what}{meant}"), format!("{}:{}", entry.line, entry.column)]
}

fn summary(report: &WatchListReport) -> String {
    let published = report.effective.iter().filter(|entry| !entry.events.is_empty()).count();
    match (report.list, report.publishes) {
        ("unknown", _) => "There is no watch-list to check.".to_owned(),
        (_, true) => format!(
            "MeshSync watches {} kinds and publishes {published} of them, and also the kinds of CRDs.",
            report.effective.len()
        ),
        (_, false) if report.findings.iter().any(|finding| finding.code == "watch-list-one-group") => {
            "With this watch-list, MeshSync panics at each start.".to_owned()
        }
        (_, false) => "With this watch-list, MeshSync publishes no built-in kind.".to_owned(),
    }
}
