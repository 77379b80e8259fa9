//! `system status`: observe, render. It tells and does not judge.

use crate::{
    cli::{
        args::{Global, Status},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    diagnose::{self, Expectation},
    facts::redact,
    observe::Depth,
    report::Report,
};

/// Leaves what a status tells, and takes out what judges.
pub(crate) fn reduce(report: &mut Report) {
    report.kind = "Status";
    report.verdict = None;
    report.checks = None;
    report.findings = None;
    report.root_causes = None;
}

pub(crate) async fn run(args: &Status, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let (facts, source) = super::facts(args.from.as_deref(), global, Depth::Status, terminal).await?;
    let obstacle = facts.obstacle.clone();
    let mut report = diagnose::diagnose(&facts, &Expectation::default(), source);
    reduce(&mut report);
    let exit = if report.determined { Exit::Ok } else { Exit::Undetermined };
    report.exit_code = exit.code();
    let text = super::rendered(&report, global.output, |wide| render::status(&report, &terminal.look(wide)));
    terminal.answer(&text)?;
    if let Some(obstacle) = obstacle {
        terminal.say(&format!("{}. See: meshdoctor system check", redact::clean(&obstacle.message)));
    }
    Ok(exit)
}
