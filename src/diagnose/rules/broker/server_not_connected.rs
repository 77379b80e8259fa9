use crate::{
    diagnose::rules::{
        prelude::*,
        server_commands::{ask, change},
    },
    facts::{Connection, destination::Destination},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-server-not-connected",
    title: "{product} Server is not connected to the broker",
    explains: &["database-empty", "database-stale", "server-not-storing"],
    explanation: include_str!("server_not_connected.md"),
    cure: Cure::Except("if the server is not known, or has no connection to this cluster"),
    ..Diagnosis::info(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-has-reader",
    title: "the expected clients are connected to the broker",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let readers = &context.clients.server;
    if let Some((server, client)) = readers.iter().find(|(server, _)| context.is_target(server)) {
        return Outcome::pass_with(format!("{} on {}", client.name, server_name(context, server)));
    }
    known_unless(context.unseen_clients())?;
    if let (Some((server, client)), Some(to)) = (readers.first(), context.elsewhere()) {
        return Outcome::found(vec![apart(context, server, client, to)]);
    }
    if context.facts.broker.servers.is_empty() {
        return Outcome::skip("no broker server is running");
    }
    let here = context.server.known().is_some();
    let severity = if context.expect.server {
        Severity::Error
    } else if here {
        Severity::Warning
    } else {
        Severity::Info
    };
    let knows_us = context.our_connection().is_some() && context.server_is_embedded() != Some(true);
    let product = context.facts.profile.product;
    let clients = context.facts.profile.server.clients.join(" or ");
    DIAGNOSIS
        .finding()
        .severity(severity)
        .title(format!("{product} Server is not connected to the broker"))
        .message(if here {
            "A server runs in this cluster but is not connected to the broker. What MeshSync publishes is lost."
                .to_owned()
        } else {
            format!(
                "What MeshSync publishes is lost until a server connects. This is expected if you run no {product} \
                 Server."
            )
        })
        .evidence(format!("no broker server has a client named {clients}"))
        .remedy(if context.facts.profile.has_current_line() {
            "check that the server's connection to this cluster is in operator mode and connected"
        } else {
            "check that the server's connection to this cluster is connected"
        })
        .fixes(knows_us.then(|| change(context, ServerChange::Reconnect)))
        .command(ask(context, "server status"))
        .found()
}

/// The server reads from the stack's own broker, but MeshSync uses another one.
fn apart(context: &RuleContext<'_>, server: &BrokerServer, client: &Connection, to: &Destination) -> Finding {
    let product = context.facts.profile.product;
    DIAGNOSIS
        .finding()
        .severity(if context.expect.server { Severity::Error } else { Severity::Warning })
        .title(format!("{product} Server reads from a different broker than MeshSync publishes to"))
        .message("Both are connected and every pod is green, but what MeshSync publishes is lost.")
        .evidence(context.destination_setting(to))
        .evidence(format!("{} lists the client {}", server_name(context, server), client.name))
        .evidence(format!("{} does not list {product} Server as a client", to.shown()))
        .remedy("use the same broker for both: change MeshSync's address, or connect the server to MeshSync's broker")
        .command(context.kubectl().inspect(format!("get meshsyncs.{} -o yaml", context.facts.profile.group)))
        .done()
}
