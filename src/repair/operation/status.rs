//! Whether the server accepts us, and whether it stopped using a connection. Pure.

use crate::{
    diagnose::server_link::server_links,
    facts::{
        Facts,
        server::{ApiGeneration, ServerFacts},
    },
};

/// Whether the server accepts us: the evidence, or what is missing.
pub(in crate::repair) fn accepts(facts: &Facts) -> Result<String, String> {
    let Some(server) = facts.server.as_deref() else { return Err("no server was found".into()) };
    match &server.unreachable {
        Some(unreachable) => Err(unreachable.message.clone()),
        None if server.has_session() => Ok(format!("the server at {} accepts requests", server.address)),
        None => Err("the server does not accept the session yet".into()),
    }
}

/// Whether the server stopped using a connection: the evidence, or what is missing.
///
/// The status is written before anything is done, so what the server says about the connection counts as well, and in the
/// newest generation that its client left the broker. Older servers keep that client, and cannot show a state.
pub(in crate::repair) fn disconnected(facts: &Facts, id: &str) -> Result<String, String> {
    let server = answered(facts)?;
    let all = server.connections.known();
    let Some(all) = all else {
        return Err(server.connections.why_unsettled().unwrap_or_else(|| "the connections are unknown".into()));
    };
    let Some(connection) = all.items.iter().find(|connection| connection.id == id) else {
        return Err("the server does not list the connection".into());
    };
    let (name, status) = (&connection.name, &connection.status);
    if !connection.is_disconnected() {
        return Err(format!("connection {name} is {status}"));
    }
    if server.generation.known() == Some(&ApiGeneration::Controllers) {
        if server.is_active() == Some(true) {
            return Err(format!("connection {name} is {status}, and the server still shows states of its controllers"));
        }
        let links = server_links(facts);
        if let Some(link) = links.links.first().filter(|link| link.listens) {
            return Err(format!("connection {name} is {status}, and {} is still connected", link.shown()));
        }
    }
    Ok(format!("connection {name} is {status}"))
}

/// What the server answered, or why it did not.
pub(in crate::repair) fn answered(facts: &Facts) -> Result<&ServerFacts, String> {
    accepts(facts)?;
    facts.server.as_deref().ok_or_else(|| "no server was found".into())
}
