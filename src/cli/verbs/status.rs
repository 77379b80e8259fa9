//! `status`: observe, render. It reports states without judging them.

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
    let (facts, source) = super::facts(args.from.as_deref(), global, Depth::Status, terminal).await?;
    let obstacle = facts.obstacle.clone();
    let judged = diagnose::diagnose(&facts, &Expectation::default(), source);
    let exit = if judged.determined { Exit::Ok } else { Exit::Undetermined };
    let mut report = judged.clone();
    reduce(&mut report);
    report.exit_code = exit.code();
    let text = super::rendered(&report, global.output, |wide| {
        let look = terminal.look(wide);
        if terminal.quiet { render::states_line(&judged, &look) } else { render::status(&judged, &look) }
    });
    terminal.answer(&text)?;
    if let Some(obstacle) = obstacle {
        let check = match &args.from {
            Some(file) => format!("{} check --from {}", program(), words::quoted(file)),
            None => super::own_command(global, facts.target.context.as_deref(), "check", None),
        };
        terminal.say(&format!("{}. See: {check}", redact::clean(&obstacle.message)));
    }
    Ok(exit)
}
