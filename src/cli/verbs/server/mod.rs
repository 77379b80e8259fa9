//! `server`: what Meshery Server shows, and what its user interface can change.

mod config;
mod contexts;
mod mode;
mod reconnect;
mod status;

pub(crate) use self::{config::reduce as reduce_to_config, contexts::reduce as reduce_to_contexts, status::reduce};
use crate::{
    cli::{
        args::{Global, Server},
        exit::Exit,
        render::Look,
        terminal::Terminal,
        verbs::Judged,
    },
    cluster::session::Session,
    diagnose::{self, Expectation},
    facts::{Facts, redact},
    repair::{
        plan::{Plan, Refusal},
        server,
    },
    report::{Report, Source},
};

pub(crate) async fn run(args: &Server, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    match args {
        Server::Status(args) => status::run(args, global, terminal).await,
        Server::Config(args) => config::run(args, global, terminal).await,
        Server::Contexts(args) => contexts::run(args, global, terminal).await,
        Server::Mode(args) => mode::run(args, global, terminal).await,
        Server::Reconnect(args) => reconnect::run(args, global, terminal).await,
    }
}

/// The reports of these stacks, each reduced to what the command is about.
fn reports(stacks: &[Facts], source: &Source, reduce: fn(&mut Report)) -> Vec<Report> {
    let report = |facts: &Facts| {
        let mut report = diagnose::diagnose(facts, &Expectation::default(), source.clone());
        reduce(&mut report);
        report
    };
    stacks.iter().map(report).collect()
}

/// Prints the reports, of which `one` is the text of each, and then on stderr what is said about them.
fn answer(
    judged: Judged,
    says: Vec<String>,
    separator: &str,
    global: &Global,
    terminal: &Terminal,
    one: impl Fn(&Report, &Look) -> String,
) -> anyhow::Result<Exit> {
    let exit = judged.exit;
    let text = judged.rendered(
        global.output,
        |report, wide| one(report, &terminal.look(wide)),
        |list, wide| {
            let look = terminal.look(wide);
            let screens: Vec<String> = list.stacks.iter().map(|report| one(report, &look)).collect();
            screens.join(separator)
        },
    );
    terminal.answer(&text)?;
    for say in says {
        terminal.say(&redact::clean(&say));
    }
    Ok(exit)
}

/// Whether the user may do in the cluster what a plan does there.
///
/// # Errors
///
/// What is missing.
pub(super) async fn permitted(session: &Session<'_>, plan: &Plan) -> Result<(), Refusal> {
    let lacking = session.lacking(plan.permissions()).await;
    if lacking.is_empty() { Ok(()) } else { Err(server::lacking(&lacking)) }
}
