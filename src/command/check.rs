//! `system check`: observe, diagnose, render.

use crate::{
    cli::{Check, FailOn, Global},
    diagnose::{self, Expectation, Selection},
    exit::{Exit, UsageError},
    observe::Depth,
    render,
    report::{Kind, Report, Severity},
    terminal::Terminal,
};

pub(super) async fn run(
    args: &Check,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let expect = expectation(&args.expect)?;
    let selection = Selection::new(&args.only, &args.skip).map_err(UsageError)?;
    let depth = if args.preflight {
        Depth::Preflight
    } else {
        Depth::Check
    };
    let (facts, source) = super::facts(args.from.as_deref(), global, depth, terminal).await?;
    let report = if args.preflight {
        diagnose::preflight(&facts, source).ok_or_else(no_preflight)?
    } else {
        diagnose::diagnose(&facts, &expect, source)
    };
    let mut report = selection.apply(report);
    let exit = exit_of(&report, args.fail_on);
    report.exit_code = exit.code();
    let text = super::rendered(&report, global.output, |wide| {
        let look = terminal.look(wide);
        if terminal.is_quiet() {
            format!("{}\n", render::verdict_line(&report, &look))
        } else if args.preflight {
            render::preflight(&report, &look, args.all)
        } else {
            render::check(&report, &look, args.all)
        }
    });
    terminal.answer(&text)?;
    Ok(exit)
}

/// A recording cannot be asked what the API server would say.
fn no_preflight() -> UsageError {
    UsageError(
        "the recording holds no preflight: make one with `meshdoctor record --preflight`".into(),
    )
}

fn expectation(words: &[String]) -> Result<Expectation, UsageError> {
    let has = |word: &str| words.iter().any(|given| given == word);
    for (one, other) in [
        ("operator", "embedded"),
        ("server=inside", "server=outside"),
    ] {
        if has(one) && has(other) {
            return Err(UsageError(format!(
                "--expect names both {one} and {other}, and only one can be so"
            )));
        }
    }
    Ok(Expectation {
        embedded: has("embedded"),
        server: words.iter().any(|word| word.starts_with("server")),
        server_inside: if has("server=inside") {
            Some(true)
        } else if has("server=outside") {
            Some(false)
        } else {
            None
        },
    })
}

/// The exit code: findings that count before states that are open.
fn exit_of(report: &Report, fail_on: FailOn) -> Exit {
    let limit = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let fails = limit.is_some_and(|limit| {
        report
            .findings()
            .iter()
            .any(|finding| finding.kind == Kind::Fault && finding.severity <= limit)
    });
    if fails {
        Exit::Findings
    } else if report.determined {
        Exit::Ok
    } else {
        Exit::Undetermined
    }
}
