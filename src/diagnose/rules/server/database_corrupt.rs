use crate::diagnose::rules::server_commands::{change, restart_server};
use crate::{diagnose::rules::prelude::*, facts::server::ServerFacts};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "database-corrupt",
    title: "The database of {product} Server is corrupt",
    explains: &[
        "database-empty",
        "database-stale",
        "database-reset-orphaned-contexts",
        "server-connection-missing",
        "server-not-storing",
    ],
    explanation: include_str!("database_corrupt.md"),
    cure: Cure::Person(because::LOSS),
    ..Diagnosis::fault(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "database-readable",
    title: "the server can read its database",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

/// Parts of the messages of a broken database. The first five are those of `SQLite`.
const SIGNATURES: &[&str] = &[
    "database disk image is malformed",
    "file is not a database",
    "no such table",
    "no such column",
    "malformed database schema",
    "already exists",
    "db might be corrupted",
    "error fetching meshsync resources",
];

/// The table with what `MeshSync` published.
pub(super) const TABLE: &str = "kubernetes_resources";

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let Some((of, text)) = broken(server) else {
        return match &server.data {
            Seen::Known(_) => Outcome::pass(),
            Seen::Absent => Outcome::skip("the server does not tell what it stored"),
            other => Outcome::unknown(other.why_unsettled().unwrap_or_default()),
        };
    };
    DIAGNOSIS
        .finding()
        .message(
            "The server runs and shows its connections, but it cannot read what it stored of the cluster. What \
             MeshSync publishes is not stored either.",
        )
        .evidence(format!("{of}: {text}"))
        .remedy(
            "restart the server, which creates missing tables; if the error stays, reset its database: MeshSync \
             publishes all objects again after a restart, but designs and settings are lost",
        )
        .commands(restart_server(context))
        .command(change(context, ServerChange::ResetDatabase).last_resort())
        .found()
}

/// What the server answered about a broken database, and to which question.
fn broken(server: &ServerFacts) -> Option<(&'static str, String)> {
    let answers = [
        ("stored objects", server.data.failure()),
        ("tables", server.tables.failure()),
        ("connections", server.connections.failure()),
        ("events", server.events.failure()),
    ];
    let is_sign = |text: &str| {
        let text = text.to_lowercase();
        SIGNATURES.iter().any(|signature| text.contains(signature))
    };
    let said = answers.into_iter().find_map(|(of, failure)| {
        let text = &failure?.message;
        is_sign(text).then(|| (of, text.clone()))
    });
    said.or_else(|| {
        let tables = server.tables.known()?;
        let lacks = tables.total > 0 && !tables.rows.contains_key(TABLE);
        lacks.then(|| ("tables", format!("{} tables, and {TABLE} is missing", tables.total)))
    })
}
