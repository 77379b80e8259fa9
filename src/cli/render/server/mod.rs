//! `server status` as text, and the line about Meshery Server in `status` and `check`.

mod access;
mod config;
mod contexts;
mod rows;
mod stored;
mod view;

pub use self::{
    config::server_config,
    contexts::{contexts, contexts_line},
};
use owo_colors::{OwoColorize, Style};

use super::{style::Look, target, text::Page};
use crate::{
    facts::redact::clean,
    report::{Report, ServerAnswers},
    stack::component::Component,
};

/// The whole screen.
pub fn server(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    heading(&mut page, report);
    if let (Some(components), Some(server)) = (report.components.stack(), report.server()) {
        page.blank();
        access::access(&mut page, report, components, server);
        if server.has_session() {
            access::cluster(&mut page, server);
            view::controllers(&mut page, report, components, server);
            view::diagnostics(&mut page, server);
            stored::data(&mut page, server);
            stored::adapters(&mut page, server);
            stored::events(&mut page, report, server);
        } else if server.unreachable.is_none() {
            page.blank();
            let text = "Its connections, data, adapters and events are shown only to those who are logged in.";
            page.paragraph("  ", 2, text, look.styles.dim);
        }
    }
    next(&mut page, report);
    page.done()
}

/// What `status` and `check` say about a server that was asked, in one line: `-q` of `server status`.
pub fn server_line(report: &Report, look: &Look) -> String {
    let mut page = Page::new(look);
    match report.server() {
        Some(server) => page.raw(&summary(report, server, look).join(&separator(look))),
        None => page.raw(&format!("{} {} not asked", look.glyphs.skip.style(look.styles.dim), name(report))),
    }
    page.done()
}

/// The same below the data path. Nothing if no server was asked.
pub(crate) fn line(page: &mut Page<'_>, report: &Report) {
    if let Some(server) = report.server() {
        let parts = summary(report, server, page.look);
        page.parts(2, &separator(page.look), &parts);
    }
}

fn separator(look: &Look) -> String {
    format!(" {} ", look.glyphs.dot)
}

fn name(report: &Report) -> String {
    Component::Server.title(report.profile()).into_owned()
}

/// Name, address, version and session.
fn summary(report: &Report, server: &ServerAnswers, look: &Look) -> Vec<String> {
    let (glyph, style) = mark(server, look);
    let address = clean(&server.address);
    let mut parts = vec![format!("{} {} {address}", name(report).style(look.styles.strong), glyph.style(style))];
    parts.extend(server.release.as_ref().map(|release| clean(&release.build)));
    let session = match &server.unreachable {
        Some(_) => "not reached".to_owned(),
        None => access::session_words(server.session).to_owned(),
    };
    parts.push(if server.has_session() { session } else { session.style(style).to_string() });
    parts
}

/// The glyph of a server as a whole.
fn mark(server: &ServerAnswers, look: &Look) -> (&'static str, Style) {
    if server.has_session() {
        (look.glyphs.pass, look.styles.good)
    } else if server.unreachable.is_some() {
        (look.glyphs.unknown, look.styles.warning)
    } else {
        (look.glyphs.warn, look.styles.warning)
    }
}

/// The name, and the cluster that the answers are about.
fn heading(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let (glyph, style, words) = match report.server() {
        None => (look.glyphs.skip, look.styles.dim, "not asked".to_owned()),
        Some(server) => {
            let (glyph, style) = mark(server, look);
            let words =
                if server.unreachable.is_some() { "not reached" } else { access::session_words(server.session) };
            (glyph, style, words.to_owned())
        }
    };
    let name = name(report);
    let mut parts = vec![format!("{} {} {}", name.style(look.styles.strong), glyph.style(style), words.style(style))];
    parts.extend(target::target(report, look));
    page.parts(2, &separator(look), &parts);
}

/// The diagnosing command.
fn next(page: &mut Page<'_>, report: &Report) {
    let invocation = &report.target.invocation;
    let command = format!("{} check{}", invocation.program, invocation.flags());
    let command = clean(&command).style(page.look.styles.command).to_string();
    page.gap();
    page.raw(&format!("  Answers only. Diagnose: {command}"));
}
