//! `system check` for people.

use owo_colors::{OwoColorize, Style};

use super::{
    path,
    style::Look,
    text::{Page, width_of},
};
use crate::{
    diagnose,
    facts::redact::clean,
    report::{Check, Effect, Finding, Kind, Report, Severity, Status, Verdict},
    stack::component::Component,
};

/// The whole screen. With `all`, the findings that others explain are shown as well.
pub fn check(report: &Report, look: &Look, all: bool) -> String {
    let mut page = Page::new(look);
    path::draw(&mut page, report);
    page.blank();
    heading(&mut page, report);
    body(&mut page, report, all);
    page.done()
}

/// What is below the heading: findings, checks, verdict.
pub(crate) fn body(page: &mut Page<'_>, report: &Report, all: bool) {
    // Beside what is wrong, what is merely worth knowing takes a line each.
    let (notes, wrong): (Vec<&Finding>, Vec<&Finding>) =
        report.root_causes().partition(|finding| finding.severity == Severity::Info);
    let brief = !wrong.is_empty() && !all;
    for finding in wrong {
        page.blank();
        self::finding(page, report.findings(), finding, all);
    }
    for (number, finding) in notes.into_iter().enumerate() {
        if number == 0 || !brief {
            page.blank();
        }
        if brief {
            headline(page, finding);
        } else {
            self::finding(page, report.findings(), finding, all);
        }
    }
    if all {
        for finding in report.findings().iter().filter(|finding| !finding.caused_by.is_empty()) {
            page.blank();
            self::finding(page, report.findings(), finding, all);
        }
    }
    // A preflight is a list to go through; of a check, what is well would push what is not off the screen.
    let folded = !all && report.preflight.is_none();
    if folded {
        tallies(page, report);
    } else {
        checks(page, report);
    }
    page.blank();
    let dot = format!(" {} ", page.look.glyphs.dot);
    let line = verdict_line(report, page.look);
    let mut parts: Vec<String> = line.split(&dot).map(str::to_owned).collect();
    if folded {
        parts.push("--all shows each".style(page.look.styles.dim).to_string());
    }
    page.parts(0, &dot, &parts);
}

/// Where and what: operator, context, namespace.
pub(crate) fn heading(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let operator = &report.components.operator;
    let (glyph, style) = path::component(report, look, Component::Operator, operator.state, operator.at_least);
    let version = operator.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut parts =
        vec![format!("Operator {} {}{}", glyph.style(style), operator.state.to_string().style(style), clean(&version))];
    parts.extend(place(report, None));
    if let "custom-broker" | "standalone" | "embedded" = report.target.mode {
        parts.push(format!("mode {}", report.target.mode.replace('-', " ")));
    }
    parts.extend(recording(report));
    let dot = format!(" {} ", look.glyphs.dot);
    page.parts(2, &dot, &parts);
}

/// Where it was looked: context, as whom, namespace, profile.
pub(crate) fn place(report: &Report, user: Option<&String>) -> Vec<String> {
    let target = &report.target;
    let profile = (target.profile != "meshery").then(|| target.profile.to_owned());
    [
        ("context", target.context.as_ref()),
        ("user", user),
        ("namespace", Some(&target.namespace)),
        ("profile", profile.as_ref()),
    ]
    .into_iter()
    .filter_map(|(word, value)| Some(format!("{word} {}", clean(value?))))
    .collect()
}

/// Which recording it is about, and when that was taken.
pub(crate) fn recording(report: &Report) -> Option<String> {
    let path = report.source.path.as_ref()?;
    let about = if report.taken_at_estimated { "about " } else { "" };
    Some(format!("recording {}, {about}{:.0}", clean(path), report.taken_at))
}

/// What it is, how bad, and its code.
fn headline(page: &mut Page<'_>, finding: &Finding) {
    let look = page.look;
    let (glyph, style) = match finding.kind {
        Kind::Obstacle if finding.severity == Severity::Error => (look.glyphs.unknown, look.styles.warning),
        _ => look.severity(finding.severity),
    };
    let word = match finding.kind {
        Kind::Obstacle => "not seen".to_owned(),
        Kind::Fault => finding.severity.to_string(),
    };
    title(page, glyph, style, &word, finding);
}

/// One finding of these: what it is, how we know, what to do.
pub(crate) fn finding(page: &mut Page<'_>, findings: &[Finding], finding: &Finding, all: bool) {
    let look = page.look;
    headline(page, finding);
    page.paragraph("  ", 2, &finding.message, Style::new());
    if finding.severity == Severity::Info && !all {
        return;
    }
    for line in &finding.evidence {
        page.paragraph(&format!("    {} ", look.glyphs.bullet), 6, line, look.styles.dim);
    }
    if !finding.remedy.text.is_empty() {
        page.paragraph(&format!("  {} ", "Fix:".style(look.styles.strong)), 7, &finding.remedy.text, Style::new());
    }
    for command in &finding.remedy.commands {
        let tag = match command.effect {
            Effect::Read => "",
            Effect::Write => "   # changes the cluster",
            Effect::Destructive => "   # removes something",
        };
        let tag = format!("{}", tag.style(look.styles.dim));
        page.raw(&format!("       {}{tag}", clean(&command.run).style(look.styles.command)));
    }
    if !finding.caused_by.is_empty() {
        page.paragraph("  ", 2, &format!("It follows from {}.", finding.caused_by.join(", ")), look.styles.dim);
    }
    let follows: Vec<&str> = findings
        .iter()
        .filter(|other| other.caused_by.contains(&finding.id))
        .map(|other| other.code.as_str())
        .collect();
    if !follows.is_empty() && !all {
        let what = if follows.len() == 1 { "One further finding follows" } else { "Further findings follow" };
        page.paragraph(
            "  ",
            2,
            &format!("{what} from this: {}. --all shows everything.", follows.join(", ")),
            look.styles.dim,
        );
    }
}

/// The first line of a finding: the fact on the left, the code on the right or below.
fn title(page: &mut Page<'_>, glyph: &str, style: Style, word: &str, finding: &Finding) {
    let look = page.look;
    let fact = clean(&finding.title);
    let code = format!("{word} {} {}", look.glyphs.dot, clean(&finding.code));
    let used = 2 + width_of(&fact) + 2 + width_of(&code);
    let shown = code.style(look.styles.code);
    match look.width {
        Some(width) if used <= width => {
            let space = " ".repeat(width.min(110).max(used) - used + 2);
            page.raw(&format!("{} {}{space}{shown}", glyph.style(style), fact.style(style)));
        }
        Some(_) => {
            page.paragraph(&format!("{} ", glyph.style(style)), 2, &fact, style);
            page.raw(&format!("  {shown}"));
        }
        None => page.raw(&format!("{} {}  {shown}", glyph.style(style), fact.style(style))),
    }
}

/// A line for each category, and below it the checks that are not as they should be.
fn tallies(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    let categories = || report.checks().chunk_by(|a, b| a.category == b.category);
    let width =
        categories().map(|category| diagnose::category_title(category[0].category).len()).max().unwrap_or_default();
    page.blank();
    for category in categories() {
        let of = |status: Status| category.iter().filter(|check| check.status == status).count();
        let worst = [Status::Fail, Status::Unknown, Status::Warn, Status::Pass]
            .into_iter()
            .find(|status| of(*status) > 0)
            .unwrap_or(Status::Skip);
        let (glyph, style) = look.status(worst);
        let tally: Vec<String> = [
            (Status::Fail, "failed"),
            (Status::Unknown, "unknown"),
            (Status::Warn, "with a warning"),
            (Status::Pass, "passed"),
            (Status::Skip, "skipped"),
        ]
        .into_iter()
        .filter(|(status, _)| of(*status) > 0)
        .map(|(status, word)| format!("{} {word}", of(status)))
        .collect();
        let title = diagnose::category_title(category[0].category);
        page.raw(&format!("{} {:<width$}  {}", glyph.style(style), title.style(look.styles.strong), tally.join(", ")));
        category
            .iter()
            .filter(|check| !matches!(check.status, Status::Pass | Status::Skip))
            .for_each(|check| one_check(page, check));
    }
}

fn checks(page: &mut Page<'_>, report: &Report) {
    let look = page.look;
    for category in report.checks().chunk_by(|a, b| a.category == b.category) {
        page.blank();
        page.whole("", diagnose::category_title(category[0].category), look.styles.strong);
        // What was not judged for one and the same reason takes one line.
        for group in category.chunk_by(|a, b| not_judged(a).is_some() && not_judged(a) == not_judged(b)) {
            match not_judged(&group[0]) {
                Some(why) if group.len() > 1 => page.paragraph(
                    &format!("  {} ", look.glyphs.skip.style(look.styles.dim)),
                    4,
                    &format!("{} checks skipped, since this is not so: {why}", group.len()),
                    look.styles.dim,
                ),
                _ => group.iter().for_each(|check| one_check(page, check)),
            }
        }
    }
}

/// The statement that is not so and that a skipped check builds on.
fn not_judged(check: &Check) -> Option<&str> {
    check.reason.as_deref().and_then(|reason| reason.strip_prefix(diagnose::NOT_JUDGED))
}

fn one_check(page: &mut Page<'_>, check: &Check) {
    let look = page.look;
    let (glyph, style) = look.status(check.status);
    let word = match check.status {
        Status::Pass => "",
        Status::Warn => " (warning)",
        Status::Fail => " (failed)",
        Status::Skip => " (skipped)",
        Status::Unknown => " (unknown)",
    };
    let reason = check.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let text_style = match check.status {
        Status::Skip => look.styles.dim,
        _ => Style::new(),
    };
    page.paragraph(&format!("  {} ", glyph.style(style)), 4, &format!("{}{word}{reason}", check.title), text_style);
}

/// The last line: the verdict and what it rests on.
pub fn verdict_line(report: &Report, look: &Look) -> String {
    let verdict = report.verdict.unwrap_or(Verdict::Unknown);
    let word = match (&report.preflight, verdict) {
        (None, verdict) => verdict.to_string(),
        (Some(preflight), Verdict::Healthy | Verdict::Degraded | Verdict::NotInstalled) => {
            let open = preflight.objects.iter().any(|object| object.action == "unverifiable");
            if open { "can be installed, as far as it can be tried".into() } else { "can be installed".into() }
        }
        (Some(_), Verdict::Unhealthy) => "cannot be installed".into(),
        (Some(_), Verdict::Unknown) => "unknown whether it can be installed".into(),
    };
    let style = match verdict {
        Verdict::Healthy => look.styles.good,
        Verdict::Degraded | Verdict::Unknown | Verdict::NotInstalled => look.styles.warning,
        Verdict::Unhealthy => look.styles.bad,
    };
    let count = |severity: Severity| {
        report.findings().iter().filter(|finding| finding.severity == severity && finding.kind == Kind::Fault).count()
    };
    let of = |status: Status| report.checks().iter().filter(|check| check.status == status).count();
    let mut parts = vec![format!(
        "{} error{}, {} warning{}",
        count(Severity::Error),
        plural(count(Severity::Error)),
        count(Severity::Warning),
        plural(count(Severity::Warning))
    )];
    let mut tally = vec![format!("{} passed", of(Status::Pass))];
    for (status, word) in [
        (Status::Fail, "failed"),
        (Status::Warn, "with a warning"),
        (Status::Unknown, "unknown"),
        (Status::Skip, "skipped"),
    ] {
        if of(status) > 0 {
            tally.push(format!("{} {word}", of(status)));
        }
    }
    parts.push(format!("{} checks: {}", report.checks().len(), tally.join(", ")));
    if let Some(silenced) = report.silenced {
        parts.push(format!("{silenced} finding{} silenced", plural(silenced)));
    }
    if report.source.kind == "live" {
        parts.push(format!("{} ms", report.duration_ms));
    }
    let dot = format!(" {} ", look.glyphs.dot);
    let cause = match report.root_causes().next() {
        Some(cause) if cause.severity != Severity::Info => format!(": {}", clean(&cause.code)),
        _ => String::new(),
    };
    format!("{}{cause}{dot}{}", word.style(style), parts.join(&dot))
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
