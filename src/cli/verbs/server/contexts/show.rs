//! `server contexts list|ping`: ask, render. Nothing is changed.

use crate::{
    cli::{
        args::{ContextsList, ContextsPing, Global, program},
        exit::Exit,
        render,
        terminal::Terminal,
        verbs::{
            self, Judged,
            server::{self, status},
        },
    },
    cluster::session::{Opened, Session},
    facts::{Facts, redact},
    observe::{self, Depth, server::More},
    repair::server::contexts::{NotFound, find},
    report::{ContextReport, Report, Source},
    stack::base::{limits, usage::UsageError},
};

/// Makes a report one about the contexts that Meshery Server knows: without checks and findings.
pub(crate) fn reduce(report: &mut Report) {
    verbs::status::reduce(report);
    report.kind = "ServerContexts";
    report.contexts = report.server().and_then(|server| server.contexts.clone());
}

pub(super) async fn list(args: &ContextsList, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let (mut stacks, source) = verbs::facts(args.from.as_deref(), global, Depth::Check, terminal, &[]).await?;
    status::keep_asked(&mut stacks);
    let reports = server::reports(&stacks, &source, reduce);
    let judged = Judged::new(reports, |report| if is_listed(report) { Exit::Ok } else { Exit::Undetermined });
    show(&stacks, judged, args.from.is_some(), global, terminal)
}

pub(super) async fn ping(args: &ContextsPing, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let wanted = args.wanted.as_deref();
    let look = async |opened: Opened<'_>| match opened {
        Opened::Session(session) => ping_each(&session, wanted).await,
        Opened::Obstacle(facts) => Ok(vec![*facts]),
    };
    let longest = global.timeout;
    let stacks = verbs::connected(global, terminal, longest, look).await??;
    let stacks: Vec<Facts> = stacks.into_iter().map(|facts| verbs::invoked(facts, global)).collect();
    let mut reports = server::reports(&stacks, &Source::live(), reduce);
    if wanted.is_some() {
        let contexts = reports.iter_mut().filter_map(|report| report.contexts.as_mut());
        contexts.for_each(|contexts| contexts.retain(|context| context.ping.is_some()));
    }
    let judged = Judged::new(reports, |report| match &report.contexts {
        Some(contexts) if is_listed(report) => exit_of_ping(contexts),
        _ => Exit::Undetermined,
    });
    let nothing =
        judged.reports.iter().all(|report| is_listed(report) && report.contexts.as_ref().is_some_and(Vec::is_empty));
    let exit = show(&stacks, judged, false, global, terminal)?;
    if nothing {
        terminal.say(&format!("the server knows no context; add one: {} server contexts upload FILE", program()));
    }
    Ok(exit)
}

/// Asks the server of each stack whether it reaches the clusters of its contexts, or of the one that is wanted.
async fn ping_each(session: &Session<'_>, wanted: Option<&str>) -> Result<Vec<Facts>, UsageError> {
    let mut stacks = observe::stacks::look_at_all(session, Depth::Check).await;
    status::keep_asked(&mut stacks);
    for facts in &mut stacks {
        let server = facts.server.as_deref().filter(|server| server.has_session());
        let Some(connections) = server.and_then(|server| server.connections.known()) else { continue };
        let pings = match wanted.map(|wanted| find(connections, wanted)) {
            Some(Ok(connection)) => vec![connection.id.clone()],
            Some(Err(NotFound::Gone)) => {
                let wanted = redact::clean(wanted.unwrap_or_default());
                return Err(UsageError::new(format!("the server has no connection with the ID {wanted}")));
            }
            Some(Err(NotFound::Misuse(why) | NotFound::Unknown(why))) => return Err(UsageError::new(why)),
            None => connections.items.iter().map(|connection| connection.id.clone()).collect(),
        };
        (session.scope.progress)("waiting for the server's pings");
        observe::server::more(session, facts, &More { pings, ..More::default() }).await;
    }
    Ok(stacks)
}

/// Whether the server listed its connections.
fn is_listed(report: &Report) -> bool {
    report.server().is_some_and(|server| server.has_session() && server.connections.is_some())
}

/// A cluster that is not reached counts more than one of which nothing is known.
fn exit_of_ping(contexts: &[ContextReport]) -> Exit {
    let reached = |context: &ContextReport| context.ping.as_ref().and_then(|ping| ping.reached);
    if contexts.iter().any(|context| reached(context) == Some(false)) {
        Exit::Findings
    } else if contexts.is_empty() || contexts.iter().any(|context| reached(context).is_none()) {
        Exit::Undetermined
    } else {
        Exit::Ok
    }
}

fn show(
    stacks: &[Facts],
    judged: Judged,
    recorded: bool,
    global: &Global,
    terminal: &Terminal,
) -> anyhow::Result<Exit> {
    let mut says = status::why_useless(stacks, &judged.reports, recorded, global);
    let pinged = |context: &&ContextReport| context.ping.is_some();
    for report in &judged.reports {
        let contexts = report.contexts.as_deref().unwrap_or_default();
        let known = contexts.len() as u64;
        let all = report.server().and_then(|server| server.connections).unwrap_or_default();
        if all > known && contexts.iter().filter(pinged).count() != 1 {
            says.push(format!("only {known} of {all} connections were listed"));
        }
        if contexts.len() > limits::SERVER_PINGS && contexts.iter().any(|context| pinged(&context)) {
            says.push(format!("only the first {} were pinged; name one to ping it", limits::SERVER_PINGS));
        }
    }
    let (one, separator): (fn(&Report, &render::Look) -> String, _) =
        if terminal.quiet { (render::contexts_line, "") } else { (render::contexts, "\n") };
    server::answer(judged, says, separator, global, terminal, one)
}
