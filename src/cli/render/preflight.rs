//! `check --preflight` as text.

use owo_colors::OwoColorize;

use super::{check, finding::Detail, style::Look, target, text::Page};
use crate::{
    facts::redact::clean,
    report::{PlannedObject, Report, Verdict},
};

/// The whole screen. There is no data path yet, so it begins with what would be installed, where, and by which user.
pub fn preflight(report: &Report, look: &Look, all: bool) -> String {
    let mut page = Page::new(look);
    heading(&mut page, report);
    check::body(&mut page, report, if all { Detail::All } else { Detail::FOLDED[0] });
    next(&mut page, report);
    page.done()
}

fn heading(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let target = &report.target;
    let version = target.kubernetes_version.as_deref();
    let mut parts = vec![format!(
        "{} {}",
        "Preflight".style(look.styles.strong),
        clean(&match version {
            Some(version) => format!("on Kubernetes {version}"),
            None => "no response from the cluster".into(),
        })
    )];
    let user = report.preflight.as_ref().and_then(|preflight| preflight.user.as_ref()).or(target.user.as_ref());
    parts.extend(target::place(report, user));
    parts.extend(target::recording(report));
    let dot = format!(" {} ", look.glyphs.dot);
    page.parts(0, &dot, &parts);
    let objects = report.preflight.as_ref().map_or(&[][..], |preflight| &preflight.objects);
    if !objects.is_empty() {
        page.parts(0, ", ", &tally(objects));
    }
}

/// The number of objects by planned action.
fn tally(objects: &[PlannedObject]) -> Vec<String> {
    let mut parts = vec![format!("{} objects", objects.len())];
    for (action, words) in [
        ("create", "to create"),
        ("update", "to update"),
        ("replace", "to recreate"),
        ("keep", "unchanged"),
        ("unverifiable", "not testable yet"),
        ("unknown", "unknown"),
        ("denied", "not permitted"),
        ("rejected", "rejected"),
    ] {
        let count = objects.iter().filter(|object| object.action == action).count();
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    if let [all, first, ..] = parts.as_mut_slice() {
        *all = format!("{all}: {first}");
        parts.remove(1);
    }
    parts
}

/// What to do next, if there is something to do.
fn next(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let objects = report.preflight.as_ref().map_or(&[][..], |preflight| &preflight.objects);
    let may = !matches!(report.verdict, Some(Verdict::Unhealthy | Verdict::Unknown) | None);
    let namespace = clean(&report.target.namespace);
    let no_namespace = objects.iter().any(|object| object.kind == "Namespace" && object.action == "create");
    if !may {
        return;
    }
    let invocation = &report.target.invocation;
    let (flags, kubectl_flags) = (clean(&invocation.flags()), clean(&invocation.kubectl_flags()));
    let (what, command) = if no_namespace {
        (
            "create the namespace and run this again, so that its objects can be validated".to_owned(),
            format!("kubectl{kubectl_flags} create namespace {namespace}"),
        )
    } else {
        let all_stay = objects.iter().all(|object| object.action == "keep");
        let when = if all_stay { "nothing to install" } else { "after the installation" };
        (format!("{when}, check the stack"), format!("{} check{flags} -n {namespace}", invocation.program))
    };
    page.blank();
    page.paragraph(&format!("{} ", "Next:".style(look.styles.strong)), 6, &what, owo_colors::Style::new());
    page.raw(&format!("      {}", command.style(look.styles.command)));
}
