//! `check`: observe, diagnose, render.

use super::{Judged, fix};
use crate::{
    cli::{
        args::{Check, Global, program},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    cluster::cleanup::Cleanup,
    diagnose::{self, Expectation, Selection},
    observe::{Depth, connectivity::TestPlan},
    report::{Report, ReportList, Source},
    stack::{base::usage::UsageError, component::Component},
};

pub(crate) async fn run(args: &Check, global: &Global, terminal: &Terminal, cleanup: &Cleanup) -> anyhow::Result<Exit> {
    let expect = Expectation::of(args.expect.iter().map(String::as_str))?;
    let selection = selection(args)?;
    if let Some(level) = args.fix {
        return Box::pin(fix::run(args, level, &expect, &selection, global, terminal, cleanup)).await;
    }
    let depth = if args.preflight { Depth::Preflight } else { Depth::Check };
    let (stacks, source) = if args.synthetic {
        let plan = TestPlan { server: true, ..TestPlan::default() };
        let facts = Box::pin(super::test::look(&plan, depth, global, terminal, cleanup)).await?;
        (vec![facts], Source::live())
    } else {
        let extent = super::Extent { depth, whole_server: selection.names_adapters() };
        super::facts(args.from.as_deref(), global, extent, terminal, &args.remote_contexts).await?
    };
    let judge = |facts| {
        let report = if args.preflight {
            diagnose::preflight(facts, source.clone()).ok_or_else(no_preflight)?
        } else {
            diagnose::diagnose(facts, &expect, source.clone())
        };
        Ok(selection.apply(report))
    };
    let reports = stacks.iter().map(judge).collect::<Result<Vec<_>, UsageError>>()?;
    let judged = Judged::new(reports, |report| super::exit_of(report, args.fail_on));
    let exit = judged.exit;
    let one = |report: &Report, wide| {
        let look = terminal.look(wide);
        if terminal.quiet {
            format!("{}\n", render::verdict_line(report, &look))
        } else if args.preflight {
            render::preflight(report, &look, args.all)
        } else {
            render::check(report, &look, args.all)
        }
    };
    let several = |list: &ReportList, wide| {
        let look = terminal.look(wide);
        if terminal.quiet { render::verdict_lines(list, &look) } else { render::check_list(list, &look, args.all) }
    };
    let text = judged.rendered(global.output, one, several);
    terminal.answer(&text)?;
    Ok(exit)
}

/// The selected checks: by our flags and by mesheryctl's.
fn selection(args: &Check) -> Result<Selection, UsageError> {
    let mut selection = Selection::new(&args.only, &args.skip)?;
    if args.operator {
        selection.add_component(Component::Operator);
    }
    if args.adapters {
        selection.add_component(Component::Adapter);
    }
    if let Some(adapter) = &args.adapter {
        let name = adapter.split_once(':').map_or(adapter.as_str(), |(name, _)| name);
        selection.add_adapter(name);
    }
    if args.components {
        for component in [Component::Operator, Component::Broker, Component::Meshsync, Component::Server] {
            selection.add_component(component);
        }
    }
    Ok(selection)
}

/// A recording without a preflight cannot answer what the API server would say.
fn no_preflight() -> UsageError {
    UsageError::new("the recording contains no preflight")
        .instead(format!("create one with `{} record --preflight`", program()).as_str())
}
