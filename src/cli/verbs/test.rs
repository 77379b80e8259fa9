//! `test`: observe, test, diagnose, render.

use crate::{
    cli::{
        args::{FailOn, Global, Probe, Test, program},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    cluster::cleanup::Cleanup,
    diagnose,
    facts::{Facts, Subject, test_object::Kind},
    observe::{Depth, connectivity::TestPlan},
    report::Source,
    stack::base::usage::UsageError,
};

pub(crate) async fn run(args: &Test, global: &Global, terminal: &Terminal, cleanup: &Cleanup) -> anyhow::Result<Exit> {
    if let Test::Network(args) = args {
        super::image(args.image.as_deref())?;
    }
    let (plan, fail_on) = plan(args);
    let depth = match plan.subject {
        Subject::Kubernetes => Depth::Status,
        _ => Depth::Check,
    };
    let (facts, source) = match from(args) {
        Some(path) => recorded(path, global).await?,
        None => {
            let facts = Box::pin(look(&plan, depth, global, terminal, cleanup)).await?;
            (facts, Source::live())
        }
    };
    let mut report = diagnose::test(&facts, source);
    let exit = super::exit_of(&report, fail_on);
    report.exit_code = exit.code();
    let text = super::rendered(&report, global.output, |wide| {
        let look = terminal.look(wide);
        if terminal.quiet {
            format!("{}\n", render::verdict_line(&report, &look))
        } else {
            render::test(&report, &look)
        }
    });
    terminal.answer(&text)?;
    Ok(exit)
}

/// The recording to show instead of running a test.
pub(crate) fn from(args: &Test) -> Option<&str> {
    match args {
        Test::Dataflow(args) => args.from.as_deref(),
        _ => None,
    }
}

/// The facts of a recording that contains a dataflow test.
async fn recorded(path: &str, global: &Global) -> Result<(Facts, Source), UsageError> {
    let mut stacks = super::recorded(path, global).await?.into_iter();
    let tested = stacks.find(|facts| facts.test.as_ref().is_some_and(|test| test.flow.is_some()));
    let facts = tested.ok_or_else(|| {
        UsageError::new("the recording contains no dataflow test")
            .instead(format!("create one with `{} record --synthetic`", program()).as_str())
    })?;
    Ok((facts, super::recorded_in(path)))
}

/// Observes the cluster and runs the test.
pub(crate) async fn look(
    plan: &TestPlan,
    depth: Depth,
    global: &Global,
    terminal: &Terminal,
    cleanup: &Cleanup,
) -> Result<Facts, UsageError> {
    if plan.store {
        terminal.say(
            "--store makes MeshSync publish every object in its store once, to this run only; all of it passes through the broker.",
        );
    }
    super::look_and_test(global, depth, terminal, plan, cleanup).await
}

/// The subject of a test.
pub(crate) fn subject(args: &Test) -> Subject {
    plan(args).0.subject
}

/// What to test, and which severity fails it.
fn plan(args: &Test) -> (TestPlan, FailOn) {
    let plan = TestPlan::default();
    let of = |subject, count| TestPlan { subject, count, ..plan.clone() };
    match args {
        Test::Kubernetes(args) => (of(Subject::Kubernetes, args.count), args.judged.fail_on),
        Test::Operator(args) => (of(Subject::Operator, 1), args.fail_on),
        Test::Broker(args) => (of(Subject::Broker, args.count), args.judged.fail_on),
        Test::Meshsync(args) => (of(Subject::Meshsync, 1), args.fail_on),
        Test::Network(args) => (TestPlan { image: args.image.clone(), ..of(Subject::Network, 1) }, args.judged.fail_on),
        Test::Server(args) => (of(Subject::Server, args.count), args.judged.fail_on),
        Test::Dataflow(args) => (
            TestPlan {
                kind: kind(&args.probe),
                namespace: args.probe.probe_namespace.clone(),
                passive: args.passive,
                store: args.store,
                through_server: args.through_server,
                wait: args.wait,
                ..of(Subject::Dataflow, args.count)
            },
            args.judged.fail_on,
        ),
    }
}

/// The kind that was named; clap has rejected unknown ones.
pub(crate) fn kind(probe: &Probe) -> Option<&'static Kind> {
    probe.kind.as_deref().and_then(Kind::named)
}
