//! `status`: observe, render. It reports states without judging them.

use super::Judged;
use crate::{
    cli::{
        args::{Global, Status, program},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    diagnose::{self, Expectation},
    facts::redact,
    observe::Depth,
    report::Report,
    stack::base::words,
};

/// Removes checks and findings from a report.
pub(crate) fn reduce(report: &mut Report) {
    report.kind = "Status";
    report.verdict = None;
    report.checks = None;
    report.findings = None;
    report.root_causes = None;
    report.summary = None;
}

pub(crate) async fn run(args: &Status, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let (stacks, source) =
        super::facts(args.from.as_deref(), global, Depth::Status, terminal, &args.remote_contexts).await?;
    let reports = stacks.iter().map(|facts| diagnose::diagnose(facts, &Expectation::default(), source.clone()));
    // The marks in the text come from the findings, which are no part of the document.
    let whole: Vec<Report> = reports.collect();
    let mut reports = whole.clone();
    reports.iter_mut().for_each(reduce);
    let judged = Judged::new(reports, |report| if report.determined { Exit::Ok } else { Exit::Undetermined });
    let exit = judged.exit;
    let text = |wide| {
        let look = terminal.look(wide);
        match whole.as_slice() {
            [report] if terminal.quiet => render::states_line(report, &look),
            [report] => render::status(report, &look),
            several if terminal.quiet => render::states_lines(several, &look),
            several => render::status_list(several, &look),
        }
    };
    let text = judged.rendered(global.output, |_, wide| text(wide), |_, wide| text(wide));
    terminal.answer(&text)?;
    for (facts, obstacle) in stacks.iter().filter_map(|facts| Some((facts, facts.obstacle.as_ref()?))) {
        let check = match &args.from {
            Some(file) => format!("{} check --from {}", program(), words::quoted(file)),
            None => super::own_command(global, facts.target.context.as_deref(), "check", None),
        };
        terminal.say(&format!("{}. See: {check}", redact::clean(&obstacle.message)));
    }
    Ok(exit)
}
