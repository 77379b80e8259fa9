//! `watch-list` for people.

use super::{finding, style::Look, tables, text::Page};
use crate::report::{WatchListEntry, WatchListReport};

/// The entries and what becomes of each, then what is wrong.
pub fn watch_list(report: &WatchListReport, look: &Look) -> String {
    let mut text = String::new();
    if !report.entries.is_empty() {
        let rows: Vec<Vec<String>> = report.entries.iter().map(row).collect();
        text = tables::table(&["resource", "events", "what becomes of it", "line:column"], &rows, look);
    }
    let mut page = Page::new(look);
    for finding in &report.findings {
        page.blank();
        finding::finding(&mut page, &report.findings, finding, finding::Detail::All);
    }
    page.blank();
    page.paragraph("  ", 2, &summary(report), look.styles.strong);
    if let Some(why) = &report.unresolved {
        let said = format!("The entries were not compared with what a cluster serves: {why}.");
        page.paragraph("  ", 2, &said, look.styles.dim);
    }
    text + &page.done()
}

fn row(entry: &WatchListEntry) -> Vec<String> {
    let what = match entry.standing {
        "watched" => "watched",
        "ignored" => "ignored: served, but not built into MeshSync",
        "unknown" => "nothing: the cluster does not serve it",
        "malformed" => "nothing: not <plural>.<version>.<group>",
        "excluded" => "left out",
        _ => "ignored: not built into MeshSync",
    };
    let meant = entry.meant.as_ref().map(|meant| format!("; {meant}?")).unwrap_or_default();
    let events = if entry.events.is_empty() { "-".to_owned() } else { entry.events.join(",") };
    vec![entry.resource.clone(), events, format!("{what}{meant}"), format!("{}:{}", entry.line, entry.column)]
}

fn summary(report: &WatchListReport) -> String {
    let published = report.effective.iter().filter(|entry| !entry.events.is_empty()).count();
    match (report.list, report.publishes) {
        ("unknown", _) => "There is no list to judge.".to_owned(),
        (_, true) => format!(
            "MeshSync watches {} kinds and publishes {published} of them, and the kinds of custom resource definitions.",
            report.effective.len()
        ),
        ("whitelist", false) => "MeshSync publishes no built-in kind with this list.".to_owned(),
        (_, false) => "MeshSync publishes nothing with this list.".to_owned(),
    }
}
