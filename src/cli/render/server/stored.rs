//! What the server stored, its adapters and its events.

use super::rows::{row, unknown};
use crate::{
    cli::render::{
        style::Look,
        tables::{age, table},
        text::Page,
    },
    report::{AdapterReport, Report, ServerAnswers, ServerEventReport, StoredKind, StoredReport},
    stack::base::words::count,
};

/// The number of events without `-o wide`.
const EVENTS: usize = 5;

/// The number of stored objects, by kind: of every kind with `-o wide`, otherwise of those that were counted in the
/// cluster too.
pub(super) fn data(page: &mut Page<'_>, server: &ServerAnswers) {
    let Some(data) = &server.data else {
        if server.connection.is_some() {
            page.blank();
            unknown(page, "Stored data", server.why_unknown("data"));
        }
        return;
    };
    page.blank();
    row(page, "Stored data", &amount(data));
    let look = page.look;
    let (compared, others): (Vec<&StoredKind>, Vec<&StoredKind>) =
        data.kinds.iter().partition(|kind| kind.served.is_some());
    let shown: Vec<&StoredKind> = if look.wide { data.kinds.iter().collect() } else { compared };
    if !shown.is_empty() {
        let differ = shown.iter().any(|kind| kind.differs());
        let rows: Vec<Vec<String>> = shown.iter().map(|kind| kind_row(kind, differ, look)).collect();
        let mut headings = vec!["kind", "stored", "in the cluster"];
        if differ {
            headings.push("difference");
        }
        page.raw(&table(&headings, &rows, look));
    }
    if !look.wide && !others.is_empty() {
        let text = format!("{} (-o wide)", count(others.len(), "more kind", "more kinds"));
        page.paragraph("  ", 2, &text, look.styles.dim);
    }
}

fn amount(data: &StoredReport) -> String {
    let kinds = count(data.kinds.len(), "kind", "kinds");
    match data.total {
        Some(0) => "no object of this cluster".to_owned(),
        Some(total) if data.kinds.is_empty() => {
            count(usize::try_from(total).unwrap_or(usize::MAX), "object", "objects")
        }
        Some(total) => {
            format!("{}, {kinds} counted", count(usize::try_from(total).unwrap_or(usize::MAX), "object", "objects"))
        }
        None => format!("{kinds} counted"),
    }
}

fn kind_row(kind: &StoredKind, differ: bool, look: &Look) -> Vec<String> {
    let served = kind.served.map_or_else(|| "-".to_owned(), |served| served.to_string());
    let mut row = vec![kind.kind.clone(), kind.stored.to_string(), served];
    if differ {
        row.push(match kind.served {
            Some(served) if served > kind.stored => format!("{} {} missing", look.glyphs.warn, served - kind.stored),
            Some(served) if served < kind.stored => format!("{} {} too many", look.glyphs.warn, kind.stored - served),
            _ => String::new(),
        });
    }
    row
}

pub(super) fn adapters(page: &mut Page<'_>, server: &ServerAnswers) {
    let Some(adapters) = &server.adapters else {
        if let Some(why) = server.why_unknown("adapters") {
            page.blank();
            unknown(page, "Adapters", Some(why));
        }
        return;
    };
    page.blank();
    if adapters.is_empty() {
        return row(page, "Adapters", "none");
    }
    let rows: Vec<Vec<String>> = adapters.iter().map(adapter).collect();
    page.raw(&table(&["adapter", "address", "version", "server reaches it", "port"], &rows, page.look));
}

fn adapter(adapter: &AdapterReport) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    vec![
        or_dash(&adapter.name),
        adapter.location.clone(),
        or_dash(&adapter.version),
        match adapter.reachable {
            Some(true) => "yes".into(),
            Some(false) => "no".into(),
            None => "unknown".into(),
        },
        match adapter.port_open {
            Some(true) => "open".into(),
            Some(false) => "closed".into(),
            None => "-".into(),
        },
    ]
}

pub(super) fn events(page: &mut Page<'_>, report: &Report, server: &ServerAnswers) {
    let look = page.look;
    let Some(events) = &report.events else {
        if let Some(why) = server.why_unknown("events") {
            page.blank();
            unknown(page, "Events", Some(why));
        }
        return;
    };
    page.blank();
    if events.is_empty() {
        return row(page, "Events", "none");
    }
    let most = if look.wide { events.len() } else { EVENTS };
    let rows: Vec<Vec<String>> = events.iter().take(most).map(|event| event_row(report, event)).collect();
    page.raw(&table(&["event", "severity", "about", "description"], &rows, look));
    if events.len() > most {
        let text = format!("{} (-o wide)", count(events.len() - most, "more event", "more events"));
        page.paragraph("  ", 2, &text, look.styles.dim);
    }
}

fn event_row(report: &Report, event: &ServerEventReport) -> Vec<String> {
    let ago = event.created.map(|time| age(report.taken_at.duration_since(time).as_secs()));
    let about = [event.category.as_str(), event.action.as_str()].map(str::trim);
    let about: Vec<&str> = about.into_iter().filter(|word| !word.is_empty()).collect();
    vec![
        ago.map_or_else(|| "-".into(), |ago| format!("{ago} ago")),
        event.severity.clone(),
        about.join(" "),
        event.description.clone(),
    ]
}
