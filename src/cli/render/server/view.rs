//! The server's view of the controllers, and what it says is wrong.

use owo_colors::{OwoColorize, Style};

use super::rows::{row, unknown};
use crate::{
    cli::render::{style::Look, tables::table, text::Page},
    report::{ControllerReport, DiagnosticReport, Report, ServerAnswers, Severity, StackComponents, State},
    stack::component::Component,
};

/// Its view of the controllers, beside the proven states.
pub(super) fn controllers(page: &mut Page<'_>, report: &Report, components: &StackComponents, server: &ServerAnswers) {
    let look = page.look;
    let Some(views) = &server.controllers else {
        if server.connection.is_some() {
            unknown(page, "Controllers", server.why_unknown("controllers"));
        }
        return;
    };
    if views.is_empty() {
        return row(page, "Controllers", "none");
    }
    let title = |view: &ControllerReport| match view.controller {
        "operator" => Component::Operator,
        "broker" => Component::Broker,
        _ => Component::Meshsync,
    };
    let rows: Vec<Vec<String>> = views
        .iter()
        .map(|view| {
            let component = title(view);
            let of = components.component(component);
            let at_least = if of.at_least { "at least " } else { "" };
            let state = if view.state == State::Unknown { "-".to_owned() } else { view.state.to_string() };
            let mut row = vec![
                component.title(report.profile()).into_owned(),
                view.said.clone(),
                state,
                format!("{at_least}{}", of.state),
            ];
            if look.wide {
                row.push(view.version.clone().unwrap_or_else(|| "-".into()));
                row.push(of.version.clone().unwrap_or_else(|| "-".into()));
            }
            row
        })
        .collect();
    let mut headings = vec!["controller", "server says", "state", "really"];
    if look.wide {
        headings.extend(["its version", "real version"]);
    }
    page.blank();
    page.raw(&table(&headings, &rows, look));
    let lower =
        |view: &ControllerReport| view.state != State::Unknown && components.component(title(view)).state > view.state;
    if server.generation == Some("graphql") && views.iter().any(lower) {
        let text = "A server of this generation asks the broker only at its external address. A lower state proves \
                    nothing.";
        page.paragraph("  ", 2, text, look.styles.dim);
    }
    if views.iter().all(|view| view.state == State::Unknown) {
        let text = if server.why_unknown("ping").is_some() {
            "The server cannot look, because its connection does not reach the cluster."
        } else {
            "The server has not looked yet. After its start it waits until somebody opens its UI."
        };
        page.paragraph("  ", 2, text, look.styles.dim);
    }
}

/// What the server says is wrong.
pub(super) fn diagnostics(page: &mut Page<'_>, server: &ServerAnswers) {
    let Some(all) = &server.diagnostics else {
        if let Some(why) = server.why_unknown("diagnostics") {
            page.blank();
            unknown(page, "Diagnostics", Some(why));
        }
        return;
    };
    page.blank();
    if all.is_empty() {
        return row(page, "Diagnostics", "none");
    }
    page.raw(&format!("  {}", "Diagnostics of the server".style(page.look.styles.strong)));
    for one in all {
        diagnostic(page, one);
    }
}

fn diagnostic(page: &mut Page<'_>, one: &DiagnosticReport) {
    let look = page.look;
    let (glyph, style) = severity(&one.severity, look);
    let about = one.controller.as_ref().map(|about| format!(", {about}")).unwrap_or_default();
    let first = format!("    {} ", glyph.style(style));
    page.paragraph_with_tail(&first, 6, &one.summary, Style::new(), &format!("({}{about})", one.code));
    if let Some(endpoint) = &one.endpoint {
        page.paragraph("      ", 6, &format!("address: {endpoint}"), look.styles.dim);
    }
    if look.wide {
        if let Some(description) = &one.description {
            page.paragraph("      ", 6, description, look.styles.dim);
        }
        for step in &one.remediation {
            page.paragraph(&format!("      {} ", look.glyphs.bullet), 8, step, look.styles.dim);
        }
    }
}

fn severity(severity: &str, look: &Look) -> (&'static str, Style) {
    look.severity(match severity {
        "error" | "critical" | "fatal" | "alert" | "emergency" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    })
}
