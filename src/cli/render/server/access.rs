//! How the server is reached, its session and its connection to the cluster.

use super::rows::{row, unknown};
use crate::{
    cli::render::text::Page,
    report::{Report, ServerAnswers, SessionStatus, StackComponents},
    stack::base::words::{self, count},
};

pub(super) fn session_words(session: SessionStatus) -> &'static str {
    match session {
        SessionStatus::LoggedIn => "logged in",
        SessionStatus::Local => "local provider, which needs no login",
        SessionStatus::NoToken => "not logged in",
        SessionStatus::Expired => "session expired",
        SessionStatus::Rejected => "session not accepted",
        SessionStatus::ProviderDown => "provider not reachable",
        SessionStatus::Unknown | SessionStatus::NotAsked => "session unknown",
    }
}

/// How the server is reached, its release and the session.
pub(super) fn access(page: &mut Page<'_>, report: &Report, components: &StackComponents, server: &ServerAnswers) {
    let named = match (server.named_by, &server.context) {
        ("flag", _) => "named with --meshery-server".to_owned(),
        ("environment", _) => "named with MESHERY_SERVER".to_owned(),
        ("context", Some(context)) => format!("of context {context}"),
        _ => "found in the cluster".to_owned(),
    };
    let route = if server.reached_by == "port-forward" { ", through a port-forward" } else { "" };
    row(page, "Address", &format!("{} ({named}{route})", server.address));
    if let Some(unreachable) = &server.unreachable {
        row(page, "Not reached", &unreachable.message);
        return;
    }
    release(page, components, server);
    session(page, report, server);
    let generation = match server.generation {
        Some("controllers") => "controllers and diagnostics (since July 2026)",
        Some("connections") => "controllers by connection (May 2026)",
        Some("graphql") => "GraphQL (before May 2026)",
        Some(_) => "none that meshdoctor knows, so its view of the controllers is not known",
        None if server.has_session() => return unknown(page, "API", server.why_unknown("generation")),
        None => return,
    };
    row(page, "API", generation);
}

fn release(page: &mut Page<'_>, components: &StackComponents, server: &ServerAnswers) {
    let Some(release) = &server.release else {
        // A server that is reached at an address need not be the one in the cluster.
        let tag = components
            .server
            .component
            .version
            .as_ref()
            .filter(|_| server.reached_by == "port-forward")
            .map(|tag| format!(" (its image has the tag {tag})"));
        let why = server.why_unknown("release").map(|why| format!("{why}{}", tag.unwrap_or_default()));
        return unknown(page, "Version", why.as_deref());
    };
    let latest = release.latest.as_ref().filter(|latest| **latest != release.build);
    let newest = match (release.outdated, latest) {
        (Some(true), Some(latest)) => format!(", outdated: the newest is {latest}"),
        (Some(true), None) => ", outdated".into(),
        (Some(false), _) => ", not outdated".into(),
        (None, Some(latest)) => format!(", the newest is {latest}"),
        (None, None) => ", which cannot tell whether it is outdated".into(),
    };
    let channel = release.channel.as_ref().filter(|channel| !channel.is_empty());
    let channel = channel.map(|channel| format!(" ({channel})")).unwrap_or_default();
    row(page, "Version", &format!("{}{channel}{newest}", release.build));
}

fn session(page: &mut Page<'_>, report: &Report, server: &ServerAnswers) {
    let mut text = session_words(server.session).to_owned();
    if let Some(provider) = &server.provider {
        text.push_str(&format!(" (provider {provider})"));
    }
    if let Some(reason) = &server.session_reason {
        text.push_str(&format!(": {reason}"));
    }
    row(page, "Session", &text);
    if let Some(token) = &server.token {
        let expires = match token.expires {
            None => "no expiry in it".to_owned(),
            Some(time) if time > report.taken_at => {
                format!("expires in {}", words::age(time.duration_since(report.taken_at)))
            }
            Some(time) => format!("expired {} ago", words::age(report.taken_at.duration_since(time))),
        };
        let in_clear = if token.in_clear { "; sent without TLS" } else { "" };
        row(page, "Token", &format!("from {}, {expires}{in_clear}", token.source));
    } else if let Some(why) = &server.token_withheld {
        row(page, "Token", &format!("not sent, because {why}"));
    }
}

/// The server's connection to this cluster, and to its broker.
pub(super) fn cluster(page: &mut Page<'_>, server: &ServerAnswers) {
    match (&server.connection, server.connections) {
        (Some(connection), _) => {
            let ping = match (&server.ping, server.why_unknown("ping")) {
                (Some(version), _) => format!(", and reaches the cluster: {version}"),
                (None, Some(why)) => format!(", but does not reach the cluster: {why}"),
                (None, None) => String::new(),
            };
            row(page, "Connection", &format!("{}: {}{ping}", connection.name, connection.status));
            if page.look.wide {
                row(page, "Connection ID", &connection.connection_id);
                row(page, "Context ID", connection.context_id.as_deref().unwrap_or("-"));
                row(page, "Cluster ID", &connection.cluster_id);
                row(page, "API server", connection.api_server.as_deref().unwrap_or("-"));
            }
        }
        (None, Some(all)) => match server.why_unknown("connection") {
            Some(why) => unknown(page, "Connection", Some(why)),
            None if all == 0 => row(page, "Connection", "none to any cluster"),
            None => {
                let others = count(usize::try_from(all).unwrap_or(usize::MAX), "other cluster", "other clusters");
                row(page, "Connection", &format!("none to this cluster, only to {others}"));
            }
        },
        (None, None) => unknown(page, "Connection", server.why_unknown("connections")),
    }
    match &server.mode {
        Some(mode) if mode.from == "connection" => {
            row(page, "Mode", &format!("{} (set by the connection)", mode.value));
        }
        Some(mode) => row(page, "Mode", &format!("{} ({})", mode.value, mode.evidence)),
        None => unknown(page, "Mode", Some("neither the connection nor a Deployment in this cluster names it")),
    }
    let Some(link) = &server.broker_link else {
        return unknown(page, "Broker link", Some("neither the server nor the broker shows it"));
    };
    let to = link.endpoint.as_ref().map(|endpoint| format!(" to {endpoint}")).unwrap_or_default();
    let text = match (link.connected, link.from) {
        (true, "broker") => "connected, says the broker".to_owned(),
        (true, _) => format!("connected{to}"),
        (false, from) => format!("not connected{to}, says the {from}"),
    };
    row(page, "Broker link", &text);
}
