use crate::{
    diagnose::rules::prelude::*,
    facts::{Connection, destination::Destination},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-server-not-connected",
    title: "No server reads from the broker",
    explanation: include_str!("server_not_connected.md"),
    ..Diagnosis::info(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-has-reader",
    title: "who reads from the broker is as expected",
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
        return Outcome::skip("no broker server runs");
    }
    let here = context.server.known().is_some();
    let severity = if context.expect.server {
        Severity::Error
    } else if here {
        Severity::Warning
    } else {
        Severity::Info
    };
    let product = context.facts.profile.product;
    let clients = context.facts.profile.server.clients.join(" or ");
    DIAGNOSIS
        .finding()
        .severity(severity)
        .title(format!("No {product} Server reads from the broker"))
        .message(if here {
            "A server runs in this cluster and is no client of the broker: what MeshSync publishes is lost."
        } else {
            "What MeshSync publishes is lost until a server connects. That is right where none is meant to."
        })
        .evidence(format!("no broker server has a client named {clients}"))
        .remedy("in the server's UI, see that the connection to this cluster is in operator mode and connected")
        .found()
}

/// The server reads from the stack's own broker, and MeshSync is told to use another.
fn apart(context: &RuleContext<'_>, server: &BrokerServer, client: &Connection, to: &Destination) -> Finding {
    let product = context.facts.profile.product;
    DIAGNOSIS
        .finding()
        .severity(if context.expect.server { Severity::Error } else { Severity::Warning })
        .title(format!("{product} Server reads from another broker than MeshSync publishes to"))
        .message("Both are connected, every pod is green, and what MeshSync publishes is lost.")
        .evidence(context.told(to))
        .evidence(format!("{} lists the client {}", server_name(context, server), client.name))
        .evidence(format!("{} lists no client of the server", to.shown()))
        .remedy(
            "have both use the same broker: name it in MeshSync's address, or have the server connect to the one there",
        )
        .command(context.kubectl().inspect(format!("get meshsyncs.{} -o yaml", context.facts.profile.group)))
        .done()
}
