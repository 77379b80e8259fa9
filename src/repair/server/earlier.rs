//! What an earlier run of `system reset database` listed before the server dropped the tables.
//!
//! Without it, a run that continues a killed one could neither name what is missing, nor know that the connections in the
//! database are new: it would drop them again, and the server would overwrite the archive.

use std::path::Path;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::repair::operation::ConnectionRef;
use crate::{
    facts::server::ClusterConnection,
    repair::backup,
    stack::base::{limits, reader},
};

/// How long a run may be the continuation of an earlier one.
const CONTINUES_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// The `apiVersion` of a listed connection.
const API_VERSION: &str = "meshery-server";

/// The list of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The file.
    pub file: String,
    /// The server, as it is recognized.
    pub server: String,
    /// When the plan was made.
    pub at: Timestamp,
    /// The connections, and when the server had last changed each.
    pub connections: Vec<(ConnectionRef, Option<String>)>,
}

/// The newest list for this server that is young enough. `file` is the backup that the user named. Files that are no such
/// list are ignored.
pub fn find(file: Option<&Path>, namespace: &str, server: &str, now: Timestamp) -> Option<Earlier> {
    backup::earlier(file, namespace).iter().filter_map(|path| read(path)).find(|found| {
        let age = now.duration_since(found.at);
        found.server == server && (SignedDuration::ZERO..CONTINUES_WITHIN).contains(&age)
    })
}

/// A connection as it is listed.
pub(super) fn listed(connection: &ClusterConnection, server: &str, at: Timestamp) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Connection",
        "metadata": { "name": connection.name },
        "server": server,
        "listedAt": at.to_string(),
        "id": connection.id,
        "contextId": connection.context_id,
        "clusterId": connection.cluster_id,
        "updatedAt": connection.updated.map(|time| time.to_string()),
    })
}

fn read(path: &Path) -> Option<Earlier> {
    let text = reader::text(path, limits::SERVER_CONNECTIONS).ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    let items: Vec<&Value> =
        list["items"].as_array()?.iter().filter(|item| item["apiVersion"] == API_VERSION).collect();
    let first = items.first()?;
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    let connection = |item: &&Value| {
        let reference = ConnectionRef {
            id: text(item, "id")?,
            context_id: text(item, "contextId"),
            cluster_id: text(item, "clusterId"),
            name: text(&item["metadata"], "name").unwrap_or_default(),
        };
        Some((reference, text(item, "updatedAt")))
    };
    Some(Earlier {
        file: path.display().to_string(),
        server: text(first, "server")?,
        at: first["listedAt"].as_str()?.parse().ok()?,
        connections: items.iter().take(limits::SERVER_CONNECTION_ITEMS).filter_map(connection).collect(),
    })
}

impl Earlier {
    /// Whether this connection is the one that was listed, unchanged.
    pub(super) fn has(&self, connection: &ClusterConnection) -> bool {
        let updated = connection.updated.map(|time| time.to_string());
        self.connections.iter().any(|(listed, at)| listed.id == connection.id && *at == updated)
    }

    /// The connections.
    pub(super) fn references(&self) -> Vec<ConnectionRef> {
        self.connections.iter().map(|(connection, _)| connection.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_list_of_the_same_server_is_found_for_a_while() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("list.json");
        let now: Timestamp = "2026-11-23T00:48:28Z".parse().expect("a time");
        let connection = ClusterConnection { id: "a".into(), name: "prod".into(), ..ClusterConnection::default() };
        for (number, (server, at)) in [("http://a:1", now), ("http://b:1", now)].into_iter().enumerate() {
            let path = backup::free_path(Some(file.clone()), "meshery").expect("a path");
            assert_eq!(path == file, number == 0);
            backup::write(&path, vec![listed(&connection, server, at)]).expect("written");
        }
        let find =
            |server: &str, minutes| find(Some(&file), "meshery", server, now + SignedDuration::from_mins(minutes));
        let found = find("http://a:1", 14).expect("a list");
        assert_eq!((found.file.as_str(), found.at), (file.to_str().unwrap_or_default(), now));
        assert!(found.has(&connection));
        assert!(!found.has(&ClusterConnection { updated: Some(now), ..connection.clone() }));
        assert!(find("http://b:1", 0).is_some_and(|found| found.file.ends_with("list-2.json")));
        assert_eq!(find("http://a:1", 16), None);
        assert_eq!(find("http://c:1", 0), None);
        std::fs::write(&file, "no list").expect("written");
        assert_eq!(find("http://a:1", 0), None);
    }
}
