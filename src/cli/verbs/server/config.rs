//! `server config`: ask, render. It shows the server's configuration of the controllers beside what the cluster has.

use super::status;
use crate::{
    cli::{
        args::{Global, ServerConfig},
        exit::Exit,
        render,
        terminal::Terminal,
        verbs::{self, Judged},
    },
    observe::Depth,
    report::{Report, ServerAnswers},
};

/// Makes a report one about the server's configuration of the controllers: without checks and findings.
pub(crate) fn reduce(report: &mut Report) {
    verbs::status::reduce(report);
    report.kind = "ServerConfig";
}

pub(super) async fn run(args: &ServerConfig, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let (mut stacks, source) = verbs::facts(args.from.as_deref(), global, Depth::Check, terminal, &[]).await?;
    status::keep_asked(&mut stacks);
    let reports = super::reports(&stacks, &source, reduce);
    let judged = Judged::new(reports, |report| match report.server() {
        Some(server) if server.config.is_some() => Exit::Ok,
        _ => Exit::Undetermined,
    });
    let mut says = status::why_useless(&stacks, &judged.reports, args.from.is_some(), global);
    says.extend(judged.reports.iter().filter_map(|report| why_not_shown(report, report.server()?)));
    super::answer(judged, says, "\n", global, terminal, render::server_config)
}

/// Why a server that listed its connections shows no configuration.
fn why_not_shown(report: &Report, server: &ServerAnswers) -> Option<String> {
    if server.config.is_some() || !server.has_session() || server.connections.is_none() {
        return None;
    }
    let name = format!("{} Server at {}", report.product(), server.address);
    let none = "has no configuration of the controllers: servers since July 2026 have one";
    Some(match server.generation {
        Some("graphql") => format!("{name} is of the generation with GraphQL, which {none}"),
        Some("connections") => format!("{name} is of the generation of May 2026, which {none}"),
        Some("none") => format!("{name} {none}"),
        _ if server.connection.is_none() => match server.why_unknown("connection") {
            Some(why) => format!("{name}: {why}"),
            None => format!("{name} has no connection to this cluster, so it has no configuration for it"),
        },
        _ => {
            let why = server.why_unknown("config").or_else(|| server.why_unknown("generation"));
            format!("{name} did not show its configuration: {}", why.unwrap_or("it does not know the request"))
        }
    })
}
