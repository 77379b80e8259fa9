use super::database_empty::stored;
use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::{change, upload};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "database-reset-orphaned-contexts",
    title: "The database of {product} Server has objects of this cluster, but no connection",
    explains: &["server-connection-missing", "database-empty", "database-stale", "broker-server-not-connected"],
    explanation: include_str!("database_reset_orphaned_contexts.md"),
    cure: Cure::Except("if the server has no kubeconfig for this cluster"),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "database-has-connections",
    title: "the server has connections for the objects that it stored",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let connections = server.connections.known_or_skip("the server stores no connections")?;
    if !connections.items.is_empty() || connections.total > 0 {
        return Outcome::pass();
    }
    let data = server.data.known_or_skip("the server does not tell what it stored")?;
    let rows = match stored(data) {
        None => return Outcome::unknown("the server told no numbers of stored objects"),
        Some(0) => return Outcome::skip("the server stored nothing of this cluster"),
        Some(rows) => rows,
    };
    DIAGNOSIS
        .finding()
        .message(
            "The server lost its connections and kept the data. This happens after a reset of its database, and with \
             the local provider whenever the server is stopped. A resync fails, because its context is gone.",
        )
        .evidence(format!("{rows} objects of this cluster are stored"))
        .evidence("the server's list of connections to clusters is empty")
        .remedy(
            "let the server look for its kubeconfigs again; if it has none for this cluster, upload one to the server",
        )
        .fix(change(context, ServerChange::Rediscover))
        .command(upload(context))
        .found()
}
