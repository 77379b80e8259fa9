use crate::diagnose::rules::server_commands::{change, upload};
use crate::{diagnose::rules::prelude::*, facts::server::ServerSession, stack::base::words::count};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-connection-missing",
    title: "{product} Server has no connection to this cluster",
    explains: &["database-empty", "broker-server-not-connected"],
    explanation: include_str!("connection_missing.md"),
    cure: Cure::Except("if the server has no kubeconfig for this cluster"),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-connection",
    title: "the server has a connection to this cluster",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let connections = server.connections.known_or_skip("the server stores no connections")?;
    let cluster_id = context.facts.cluster_id.known_or_unknown()?;
    if let Some(connection) = server.connection_to(cluster_id) {
        return Outcome::pass_with(format!("{}, {}", connection.name, connection.status));
    }
    if !connections.is_complete() {
        return Outcome::unknown(format!(
            "only {} of {} connections were read",
            connections.items.len(),
            connections.total
        ));
    }
    if let Some(other) = connections.items.iter().find(|connection| connection.cluster_id.is_none()) {
        return Outcome::unknown(format!("the cluster of connection {} is unknown", other.name));
    }
    let remote = server.providers.known().is_some_and(|providers| providers.values().any(|remote| *remote));
    if server.session == ServerSession::Local && remote {
        return Outcome::skip("only the connections of the local provider can be read without a login");
    }
    DIAGNOSIS
        .finding()
        .message(
            "It does not know this cluster, so it neither deploys the operator nor stores what MeshSync publishes. A \
             server with the local provider forgets its connections whenever it is stopped.",
        )
        .evidence(match connections.items.len() {
            0 => "the server's list of connections to clusters is empty".to_owned(),
            number => format!(
                "{} to other clusters, none with the cluster ID {cluster_id}",
                count(number, "connection", "connections")
            ),
        })
        .remedy(
            "let the server look for its kubeconfigs again; if it has none for this cluster, upload one to the server",
        )
        .fix(change(context, ServerChange::Rediscover))
        .command(upload(context))
        .found()
}
