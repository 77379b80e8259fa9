//! `server contexts list|ping` as text.

use super::super::{style::Look, tables::table, text::Page};
use crate::{
    report::{ContextReport, Report},
    stack::base::words::{age, count, short_span},
};

/// The table of the contexts. With pings, their results.
pub fn contexts(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    let Some(contexts) = &report.contexts else {
        page.raw(&super::server_line(report, look));
        return page.done();
    };
    if contexts.is_empty() {
        page.raw("The server knows no context.");
        return page.done();
    }
    let with_pings = contexts.iter().any(|context| context.ping.is_some());
    let mut headings = vec!["name", "status", "this cluster", "API server"];
    if with_pings {
        headings.extend(["reached", "Kubernetes", "time"]);
    }
    if look.wide {
        headings.extend(["connection ID", "context ID", "cluster ID", "mode", "updated"]);
    }
    let rows: Vec<Vec<String>> = contexts.iter().map(|context| row(context, report, with_pings, look)).collect();
    page.raw(&table(&headings, &rows, look));
    for (context, ping) in contexts.iter().filter_map(|context| Some((context, context.ping.as_ref()?))) {
        if let Some(reason) = &ping.reason {
            let glyph = if ping.reached == Some(false) { look.glyphs.fail } else { look.glyphs.unknown };
            page.paragraph(&format!("{glyph} "), 2, &format!("{}: {reason}", context.name), look.styles.warning);
        }
    }
    page.done()
}

/// How many contexts there are, and how many of them work, in one line (`--quiet`).
pub fn contexts_line(report: &Report, look: &Look) -> String {
    let Some(contexts) = &report.contexts else { return super::server_line(report, look) };
    let mut page = Page::new(look);
    let all = count(contexts.len(), "context", "contexts");
    let pings = || contexts.iter().filter_map(|context| context.ping.as_ref());
    let words = if pings().next().is_some() {
        format!("{} reached", pings().filter(|ping| ping.reached == Some(true)).count())
    } else {
        let connected = contexts.iter().filter(|context| context.status.eq_ignore_ascii_case("connected")).count();
        format!("{connected} connected")
    };
    page.raw(&format!("{all}, {words}"));
    page.done()
}

fn row(context: &ContextReport, report: &Report, with_pings: bool, look: &Look) -> Vec<String> {
    let or_dash = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned().unwrap_or_else(|| "-".into());
    let mut cells = vec![
        or_dash(Some(&context.name)),
        or_dash(Some(&context.status)),
        yes_or_no(context.this_cluster).into(),
        or_dash(context.api_server.as_ref()),
    ];
    if with_pings {
        let ping = context.ping.clone().unwrap_or_default();
        cells.extend([
            yes_or_no(ping.reached).into(),
            or_dash(ping.version.as_ref()),
            ping.micros.map_or_else(|| "-".into(), short_span),
        ]);
    }
    if look.wide {
        cells.extend([
            context.connection_id.clone(),
            or_dash(context.context_id.as_ref()),
            or_dash(context.cluster_id.as_ref()),
            or_dash(context.mode.as_ref()),
            context.updated.map_or_else(|| "-".into(), |at| format!("{} ago", age(report.taken_at.duration_since(at)))),
        ]);
    }
    cells
}

fn yes_or_no(is: Option<bool>) -> &'static str {
    match is {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}
