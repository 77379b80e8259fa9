//! `server status`: observe, render. It shows what Meshery Server answered, without judging it.

use super::super::{Extent, Judged, status};
use crate::{
    cli::{
        args::{Global, ServerStatus, program},
        exit::Exit,
        render,
        terminal::Terminal,
    },
    facts::{Facts, stack},
    observe::Depth,
    report::{Report, ServerAnswers, SessionStatus},
    stack::base::words::quoted,
};

/// Makes a report one about Meshery Server: without checks and findings, with the server's events.
pub(crate) fn reduce(report: &mut Report) {
    status::reduce(report);
    report.kind = "ServerStatus";
    report.events = report.server().and_then(|server| server.events.clone());
}

pub(crate) async fn run(args: &ServerStatus, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let extent = Extent { depth: Depth::Check, whole_server: true };
    let (mut stacks, source) = super::super::facts(args.from.as_deref(), global, extent, terminal, &[]).await?;
    keep_asked(&mut stacks);
    let reports = super::reports(&stacks, &source, reduce);
    let judged = Judged::new(reports, |report| match report.server() {
        Some(server) if server.has_session() && server.connections.is_some() => Exit::Ok,
        _ => Exit::Undetermined,
    });
    let whys = why_useless(&stacks, &judged.reports, args.from.is_some(), global);
    let (one, separator): (fn(&Report, &render::Look) -> String, _) =
        if terminal.quiet { (render::server_line, "") } else { (render::server, "\n") };
    super::answer(judged, whys, separator, global, terminal, one)
}

/// Keeps the stacks whose server was asked, or the first one if there is none.
pub(super) fn keep_asked(stacks: &mut Vec<Facts>) {
    if stacks.iter().any(|facts| facts.server.is_some()) {
        stacks.retain(|facts| facts.server.is_some());
    } else {
        stacks.truncate(1);
    }
}

/// Why the answers about these stacks are of no use, and what to do. Empty if they are.
pub(super) fn why_useless(stacks: &[Facts], reports: &[Report], recorded: bool, global: &Global) -> Vec<String> {
    let why = |(facts, report): (&Facts, &Report)| {
        let why = match report.server() {
            None if facts.profile.is_hub() => Some(format!("{} has no server that could be asked", report.product())),
            None => Some(not_asked(facts, recorded, global)),
            Some(server) => why_unusable(server, report, recorded),
        };
        let obstacle = facts.obstacle.as_ref().map(|obstacle| obstacle.message.clone());
        why.or(obstacle)
    };
    stacks.iter().zip(reports).filter_map(why).collect()
}

/// Why no server was asked, and what to do.
fn not_asked(facts: &Facts, recorded: bool, global: &Global) -> String {
    let product = facts.profile.product;
    if let Some(obstacle) = &facts.obstacle {
        return format!("{product} Server was not looked for: {}", obstacle.message);
    }
    if recorded {
        let record = format!("`{} record --meshery-server URL`", program());
        return format!("the recording contains no answer of {product} Server; create one with {record}");
    }
    let service = facts.profile.server.deployment;
    if stack::server_service(facts).is_some() {
        let pods = format!("kubectl get pods -n {}", quoted(&facts.target.namespace));
        return format!(
            "Service {service} has no ready pod that could be asked: see `{pods}`, or name another server with --meshery-server URL"
        );
    }
    if let Some(why) = facts.services.why_unsettled() {
        return format!(
            "Service {service} was not looked for ({why}): name {product} Server with --meshery-server URL"
        );
    }
    let elsewhere = match global.server.current_context(facts.profile) {
        Some((name, address)) => format!("; the current context of mesheryctl, \"{name}\", is for {address}"),
        None => format!(", or the namespace of its Service {service} with -n"),
    };
    format!("no {product} Server: name one with --meshery-server URL{elsewhere}")
}

/// Why the answers of a server are no use, and what to do. `None` if they are.
fn why_unusable(server: &ServerAnswers, report: &Report, recorded: bool) -> Option<String> {
    let product = report.product();
    let address = &server.address;
    let test = if recorded { String::new() } else { format!("; find the step that fails: {} test server", program()) };
    if let Some(unreachable) = &server.unreachable {
        return Some(format!("{product} Server at {address} was not reached: {}{test}", unreachable.message));
    }
    let login = format!("run `{}ctl system login`", report.profile().name);
    let because = server.session_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Some(match server.session {
        SessionStatus::LoggedIn | SessionStatus::Local => {
            let why = server.why_unknown("connections").filter(|_| server.connections.is_none())?;
            format!("{product} Server at {address} did not list its connections: {why}")
        }
        SessionStatus::NoToken => match &server.token_withheld {
            Some(why) => format!(
                "{product} Server at {address} wants a login, and no token was sent, because {why}: name the context of the token with --meshery-context"
            ),
            None => format!(
                "{product} Server at {address} wants a login, and no token is known: {login}, and name the context with --meshery-context"
            ),
        },
        SessionStatus::Expired => format!("{product} Server at {address}: the token has expired: {login}"),
        SessionStatus::Rejected => format!(
            "{product} Server at {address} did not accept the session, or cannot reach its provider{because}: {login}"
        ),
        SessionStatus::ProviderDown => {
            format!("{product} Server at {address} cannot reach its provider: check its way out, and try again later")
        }
        SessionStatus::Unknown | SessionStatus::NotAsked => {
            format!("{product} Server at {address} did not say whether it accepts the session{because}{test}")
        }
    })
}
