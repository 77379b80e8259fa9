//! What a reset of the server's database removes, and whether the connections are back after it. Pure.

use super::ConnectionRef;
use crate::{
    facts::{
        Facts,
        server::{ClusterConnection, Connections},
    },
    stack::base::{seen::Seen, words::list},
};

/// How many connections are named.
const NAMED: usize = 12;

/// What is dropped, and where the archive of it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drop {
    /// The archive without the time in its name: `~/.meshery/config/.archive/mesherydb`.
    pub archive: String,
    /// The number of tables and of their rows, if they could be counted.
    pub counted: Option<(u64, u64)>,
    /// The number of rows that only users bring, if they could be counted.
    pub of_users: Option<u64>,
}

/// What was there before a reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The UID of the namespace `kube-system`, if the server is expected to be connected to this cluster again.
    pub cluster: Option<String>,
    /// The connections.
    pub connections: Vec<ConnectionRef>,
}

/// Whether the server lists any connection again, or, unless `any`, the one to this cluster, and uses it: the evidence, or
/// what is missing.
pub(in crate::repair) fn judge(before: &Before, any: bool, facts: &Facts) -> Result<String, String> {
    let Some(server) = facts.server.as_deref().filter(|server| server.has_session()) else {
        return Err("the server does not accept requests".into());
    };
    let missing = || -> Option<String> {
        let is_back = |lost: &&ConnectionRef| {
            items(&server.connections)
                .iter()
                .any(|now| now.id == lost.id || (lost.cluster_id.is_some() && now.cluster_id == lost.cluster_id))
        };
        let mut lost = before.connections.iter().filter(|connection| !is_back(connection)).peekable();
        lost.peek()?;
        Some(named(lost))
    };
    let with_missing = |text: &str| match missing() {
        Some(missing) => format!("{text}; missing: {missing}"),
        None => text.to_owned(),
    };
    let Some(connections) = server.connections.known() else {
        let why = server.connections.why_unsettled().unwrap_or_else(|| "there is no answer".into());
        return Err(with_missing(&format!("the connections of the server could not be read: {why}")));
    };
    if any && connections.items.is_empty() {
        return Err(with_missing("the server lists no connection"));
    }
    let found = |text: String| {
        Ok(match missing() {
            Some(missing) => format!("{text}; not there anymore: {missing}"),
            None => text,
        })
    };
    let Some(cluster) = before.cluster.as_deref().filter(|_| !any) else {
        let listed = connections.items.iter().map(ConnectionRef::from).collect::<Vec<_>>();
        let text = if listed.is_empty() { "none".into() } else { named(listed.iter()) };
        let text = format!("connections of the server now: {text}");
        return if any { Ok(text) } else { found(text) };
    };
    let Some(connection) = server.connection_to(cluster) else {
        return Err(with_missing("the server has no connection to this cluster"));
    };
    if !connection.is_connected() {
        let text = format!("connection {} is {}", connection.name, connection.status);
        return Err(with_missing(&text));
    }
    if server.ping.known().is_none() {
        let text = format!("the server does not reach this cluster over connection {}", connection.name);
        return Err(with_missing(&text));
    }
    found(format!("connection {} to this cluster is {}", connection.name, connection.status))
}

/// The names of connections.
pub(in crate::repair) fn named<'a>(connections: impl Iterator<Item = &'a ConnectionRef>) -> String {
    let names: Vec<&str> =
        connections.map(|one| if one.name.is_empty() { &one.id } else { &one.name }.as_str()).collect();
    let more = names.len().saturating_sub(NAMED);
    let mut shown: Vec<String> = names.iter().take(NAMED).map(|name| (*name).to_owned()).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    list(&shown)
}

/// The connections, if they are known.
pub(in crate::repair) fn items(connections: &Seen<Connections>) -> &[ClusterConnection] {
    connections.known().map_or(&[], |connections| connections.items.as_slice())
}
