//! Whether facts show that Meshery Server has connections, and works with them. Pure.
//!
//! Each function returns the evidence, or what is still missing.

use crate::{
    cluster::server_access::Origin,
    facts::{
        Facts,
        server::{ClusterConnection, Connections, Controlled, ServerFacts},
    },
    observe::server::{More, shown},
    stack::base::{seen::Seen, words},
};

/// A context of a kubeconfig that was uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadedRef {
    /// Its name.
    pub name: String,
    /// The API server's address as it is shown.
    pub api_server: String,
}

/// The server of these facts, if it accepts us, and its connections.
///
/// # Errors
///
/// Why they are not known.
pub(in crate::repair) fn listed(facts: &Facts) -> Result<(&ServerFacts, &Connections), String> {
    if let Some(obstacle) = &facts.obstacle {
        return Err(obstacle.message.clone());
    }
    let server = facts.server.as_deref().ok_or("no server was found")?;
    if let Some(unreachable) = &server.unreachable {
        return Err(format!("the server was not reached: {}", unreachable.message));
    }
    if !server.has_session() {
        return Err("the server does not accept the session".into());
    }
    match server.connections.known() {
        Some(connections) => Ok((server, connections)),
        None => {
            let why = server.connections.why_unsettled().unwrap_or_else(|| "there was no answer".into());
            Err(format!("its connections could not be read: {why}"))
        }
    }
}

/// The server has a connection to this cluster, uses it, and reaches the cluster.
pub(in crate::repair) fn to_this_cluster(facts: &Facts) -> Result<String, String> {
    let (server, _) = listed(facts)?;
    let Some(cluster_id) = facts.cluster_id.known() else {
        let why = facts.cluster_id.why_unsettled().unwrap_or_else(|| "there was no answer".into());
        return Err(format!("the cluster's ID is not known: {why}"));
    };
    let connection = server.connection_to(cluster_id).ok_or("it has no connection to this cluster")?;
    used(connection)?;
    let version = reached(connection, server.ping.as_ref())?;
    let states = active(server, connection)?;
    Ok(format!(
        "{} to this cluster is connected, the server reaches the cluster ({version}){states}",
        named(connection)
    ))
}

/// The same, and which connections are connected that were not: those without one of these IDs.
pub(in crate::repair) fn again(facts: &Facts, active: &[String]) -> Result<String, String> {
    let evidence = to_this_cluster(facts)?;
    let (_, connections) = listed(facts)?;
    let new: Vec<&str> = connections
        .items
        .iter()
        .filter(|connection| connection.is_connected() && !active.contains(&connection.id))
        .map(|connection| connection.name.as_str())
        .collect();
    let new = if new.is_empty() { "none".to_owned() } else { words::list(&new) };
    Ok(format!("{evidence}; new or active again: {new}"))
}

/// The IDs of the connections that the server works with now, as far as it is known. Of the one to this cluster its
/// status is not enough.
pub(in crate::repair) fn active_ids(facts: &Facts) -> Vec<String> {
    let Ok((server, connections)) = listed(facts) else { return Vec::new() };
    let own = facts.cluster_id.known().and_then(|id| server.connection_to(id)).map(|own| &own.id);
    let is_active = |connection: &&ClusterConnection| {
        connection.is_connected() && (own != Some(&connection.id) || server.is_active() != Some(false))
    };
    connections.items.iter().filter(is_active).map(|connection| connection.id.clone()).collect()
}

/// The server is connected to each of these contexts, and reaches its cluster.
pub(in crate::repair) fn to_each(facts: &Facts, contexts: &[UploadedRef]) -> Result<String, String> {
    let (server, connections) = listed(facts)?;
    let own = facts.cluster_id.known().and_then(|id| server.connection_to(id)).map(|own| &own.id);
    let mut evidence = Vec::new();
    for context in contexts {
        let connection =
            find(connections, context).ok_or_else(|| format!("it has no connection \"{}\"", shown(&context.name)))?;
        used(connection)?;
        let ping = server.pings.get(&connection.id).map_or(Seen::NotLooked, |ping| ping.version.as_ref());
        let version = reached(connection, ping)?;
        let states = if own == Some(&connection.id) { active(server, connection)? } else { String::new() };
        evidence
            .push(format!("{} is connected, the server reaches its cluster ({version}){states}", named(connection)));
    }
    Ok(evidence.join("; "))
}

/// What must be asked to judge that.
pub(in crate::repair) fn asked_of_each(facts: &Facts, contexts: &[UploadedRef]) -> More {
    let Ok((_, connections)) = listed(facts) else { return More::default() };
    let found = contexts.iter().filter_map(|context| find(connections, context));
    More { pings: found.filter(|it| it.is_connected()).map(|it| it.id.clone()).collect(), stored: Vec::new() }
}

/// The connection with this ID is gone. `before` is the number of objects that the server stored of its cluster.
pub(in crate::repair) fn gone(
    facts: &Facts,
    id: &str,
    name: &str,
    cluster_id: Option<&str>,
    before: Option<u64>,
) -> Result<String, String> {
    let (server, connections) = listed(facts)?;
    if let Some(connection) = connections.items.iter().find(|connection| connection.id == id) {
        return Err(format!("it is still listed, as {}", words_of_status(connection)));
    }
    if !connections.is_complete() {
        return Err(format!("the server listed only {} of {}", connections.items.len(), connections.total));
    }
    let now = cluster_id.and_then(|cluster| server.stored.get(cluster)).and_then(Seen::known);
    let stored = match (before, now) {
        (Some(before), Some(now)) => format!("; stored objects of its cluster: {before} before, {now} now"),
        (None, Some(now)) => format!("; stored objects of its cluster: {now} now"),
        _ => String::new(),
    };
    Ok(format!("connection {name} ({id}) is no longer listed{stored}"))
}

/// The newest connection to a context, by its name and the address of its API server.
pub(in crate::repair) fn find<'a>(
    connections: &'a Connections,
    context: &UploadedRef,
) -> Option<&'a ClusterConnection> {
    let name = shown(&context.name);
    let of_name: Vec<_> = connections.items.iter().filter(|connection| connection.name == name).collect();
    let is_same = |connection: &&&ClusterConnection| {
        connection.api_server.as_deref().is_some_and(|address| is_same_address(address, &context.api_server))
    };
    let newest = |connection: &&&ClusterConnection| (connection.updated, connection.is_connected());
    let same = of_name.iter().filter(is_same).max_by_key(newest);
    same.or_else(|| of_name.iter().max_by_key(newest)).copied()
}

/// Whether both addresses lead to the same API server, as far as they show it.
pub(in crate::repair) fn is_same_address(one: &str, other: &str) -> bool {
    match (Origin::parse(one), Origin::parse(other)) {
        (Ok(one), Ok(other)) => one.is_same(&other),
        _ => one.trim_end_matches('/') == other.trim_end_matches('/'),
    }
}

/// A connection with its ID: `connection prod (535bca23-…)`.
fn named(connection: &ClusterConnection) -> String {
    format!("connection {} ({})", connection.name, connection.id)
}

fn words_of_status(connection: &ClusterConnection) -> &str {
    if connection.status.is_empty() { "without a status" } else { &connection.status }
}

fn used(connection: &ClusterConnection) -> Result<(), String> {
    if connection.is_connected() {
        return Ok(());
    }
    Err(format!("connection {} is {}", connection.name, words_of_status(connection)))
}

fn reached(connection: &ClusterConnection, ping: Seen<&String>) -> Result<String, String> {
    match ping {
        Seen::Known(version) => Ok(version.clone()),
        other => {
            let why = other.why_unsettled().unwrap_or_else(|| "it was not asked".into());
            Err(format!("it does not reach the cluster of connection {}: {why}", connection.name))
        }
    }
}

/// The states that the server shows of the controllers in this cluster: what it shows only if it works with the
/// connection. Some servers have no such view.
fn active(server: &ServerFacts, connection: &ClusterConnection) -> Result<String, String> {
    let is_embedded = connection.mode.as_deref() == Some("embedded");
    let is_inactive = server.diagnostics.items().iter().any(|diagnostic| diagnostic.code == "connection_inactive");
    // There are no controllers in the cluster of an embedded connection.
    if server.generation.is_absent() || (is_embedded && server.diagnostics.known().is_some() && !is_inactive) {
        return Ok(String::new());
    }
    if server.is_active() != Some(true) {
        return Err(format!("it shows no state of the controllers, so it does not use connection {}", connection.name));
    }
    let views = server.controllers.items().iter().map(|view| {
        let controller = match view.controller {
            Controlled::Operator => "operator",
            Controlled::Broker => "broker",
            Controlled::Meshsync => "MeshSync",
        };
        format!("{controller} {}", view.said)
    });
    Ok(format!(", and shows {}", views.collect::<Vec<_>>().join(", ")))
}
