use super::database_corrupt;
use crate::diagnose::rules::server_commands::{ask, change};
use crate::{
    diagnose::rules::prelude::*,
    facts::server::{ServerFacts, StoredData},
    report::State,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "database-empty",
    title: "The database of {product} Server has nothing of this cluster",
    explains: &["database-stale"],
    explanation: include_str!("database_empty.md"),
    cure: Cure::Except("while MeshSync or the server is not connected to the broker"),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "database-filled",
    title: "the server stored objects of this cluster",
    after: &[&database_corrupt::CHECK],
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let data = server.data.known_or_skip("the server does not tell what it stored")?;
    let Some(total) = stored(data) else {
        return Outcome::unknown("the server told no numbers of stored objects");
    };
    if total > 0 || !is_empty(server, data) {
        return Outcome::pass_with(format!("{total} objects"));
    }
    if context.server_may_be_syncing() {
        return Outcome::skip("the server may still be receiving its first data");
    }
    let connected = context.states().meshsync.report.state == State::Connected && !context.clients.server.is_empty();
    let embedded = context.server_is_embedded() == Some(true);
    let since = context.server_receives_since().map(|since| format!("the server has been connected since {since:.0}"));
    let draft = DIAGNOSIS
        .finding()
        .severity(if connected { Severity::Error } else { Severity::Warning })
        .message(if connected {
            "MeshSync and the server are both connected to the broker, but the server stored no object of this cluster. \
             MeshSync publishes each object once: after a reset, a flush, or a start before the server, nothing comes \
             until it restarts."
        } else {
            "The server stored no object of this cluster, so every list of its objects is empty."
        })
        .evidence("the server's data: 0 objects of this cluster")
        .evidences(served(server))
        .evidences(since);
    if embedded {
        return draft
            .remedy("let the server request every object again: it runs MeshSync itself")
            .fix(change(context, ServerChange::FlushData))
            .command(ask(context, "server status"))
            .found();
    }
    let restart = context.meshsync.known().map(|_| context.restart(Component::Meshsync));
    draft
        .remedy(if connected {
            "let the server request every object again; or restart MeshSync, which publishes every object"
        } else if restart.is_some() {
            "MeshSync and the server must be connected to the broker first; then restart MeshSync, which publishes \
             every object again"
        } else {
            "MeshSync must run in the cluster first; when it starts, it publishes every object"
        })
        .fixes(connected.then(|| change(context, ServerChange::FlushData)))
        .commands(restart)
        .found()
}

/// The number of stored objects: all of them, or those of the kinds that were counted.
pub(super) fn stored(data: &StoredData) -> Option<u64> {
    let counted = data.kinds.values().fold(0, |sum: u64, kind| sum.saturating_add(*kind));
    match data.total {
        Some(total) => Some(total.max(counted)),
        None if data.kinds.is_empty() && !data.every_kind => None,
        None => Some(counted),
    }
}

/// Whether the cluster has objects that the server should have stored. A cluster always has namespaces.
fn is_empty(server: &ServerFacts, data: &StoredData) -> bool {
    let known: Vec<u64> = server.served.values().filter_map(|served| served.known().copied()).collect();
    if known.is_empty() { data.total.is_some() || data.every_kind } else { known.iter().any(|number| *number > 0) }
}

/// The cluster's own numbers, as evidence.
fn served(server: &ServerFacts) -> Option<String> {
    let numbers = server.served.iter().filter_map(|(kind, served)| Some((kind, *served.known()?)));
    let known = numbers.filter(|(_, number)| *number > 0).map(|(kind, number)| format!("{number} {kind}"));
    let known: Vec<String> = known.take(6).collect();
    (!known.is_empty()).then(|| format!("the cluster has: {}", known.join(", ")))
}
