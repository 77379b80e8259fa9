use super::ping::{self, PingFailure};
use crate::diagnose::rules::prelude::*;
use crate::diagnose::rules::server_commands::{ask, change, upload};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "server-connection-stale",
    title: "{product} Server keeps a connection that leads nowhere",
    explanation: include_str!("connection_stale.md"),
    cure: Cure::Person(because::CLIENT),
    ..Diagnosis::warning(Component::Server)
};

pub(crate) static CHECK: Check = Check {
    id: "server-connection-current",
    title: "the server has one working connection to this cluster",
    ..Check::of_server(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let server = context.server_session()?;
    let connection = context.server_connection()?;
    let cluster_id = context.facts.cluster_id.known_or_unknown()?;
    if let Some((PingFailure::Forgotten, text)) = ping::failure(server)
        && connection.is_connected()
    {
        return DIAGNOSIS
            .finding()
            .title(format!("{{product}} Server cannot use its connection {}", connection.name))
            .message("Its list shows the connection as connected, but the context behind it is gone.")
            .evidence(format!("connection {} ({}): {}", connection.name, connection.id, connection.status))
            .evidence(ping::evidence(text))
            .remedy("delete the connection in the server and upload the kubeconfig again")
            .command(change(context, ServerChange::DeleteConnection(connection.id.clone())))
            .command(upload(context))
            .found();
    }
    let others = server.connections_to(cluster_id);
    let others: Vec<_> = others.filter(|other| other.id != connection.id && other.is_connected()).collect();
    if others.is_empty() {
        return Outcome::pass_with(connection.name.clone());
    }
    DIAGNOSIS
        .finding()
        .title("{product} Server has more than one connection to this cluster")
        .message(
            "They have different names or credentials. The server handles each event once for each connection, and an \
             older one may have credentials that no longer work.",
        )
        .evidence(format!("in use: {} ({})", connection.name, connection.id))
        .evidences(others.iter().map(|other| format!("also connected: {} ({})", other.name, other.id)))
        .remedy("delete the connections that nobody needs in the server")
        .commands(others.iter().take(3).map(|other| change(context, ServerChange::DeleteConnection(other.id.clone()))))
        .command(ask(context, "server status"))
        .found()
}
