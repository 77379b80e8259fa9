//! Classifies the broker's clients.

use k8s_openapi::jiff::Timestamp;

use crate::facts::{BrokerServer, Connection, Facts, stack};

/// A client and the server that lists it.
pub(super) type Client<'a> = (&'a BrokerServer, &'a Connection);

/// The broker's clients that matter for the states.
#[derive(Debug, Default)]
pub(super) struct Clients<'a> {
    /// Connections of this cluster's `MeshSync`.
    pub(super) meshsync: Vec<Client<'a>>,
    /// Connections named like `MeshSync` that do not belong to this cluster's `MeshSync`, and why not.
    pub(super) foreign: Vec<(Client<'a>, &'static str)>,
    /// Connections of Meshery Server.
    pub(super) server: Vec<Client<'a>>,
}

/// Classifies the clients.
///
/// A connection from a pod's address belongs to that pod. If no address matches, for example behind a gateway, the name
/// is enough, up to the number of running pods. A connection that is older than every `MeshSync` container is never
/// ours, and only connections to servers for which `is_target` is true can be ours.
pub(super) fn sort(facts: &Facts, is_target: impl Fn(&BrokerServer) -> bool) -> Clients<'_> {
    let profile = facts.profile;
    let all = || {
        facts
            .broker
            .servers
            .iter()
            .flat_map(|server| server.connections.items().iter().map(move |connection| (server, connection)))
    };
    let mut clients = Clients {
        server: all().filter(|(_, connection)| profile.server.clients.contains(&connection.name.as_str())).collect(),
        ..Clients::default()
    };
    let named: Vec<Client<'_>> = all().filter(|(_, connection)| connection.name == profile.meshsync.client).collect();

    // Without the pods, only the name is known.
    if !facts.pods.is_settled() {
        clients.meshsync = named.into_iter().filter(|(server, _)| is_target(server)).collect();
        return clients;
    }
    let pods: Vec<_> = stack::meshsync_pods(facts)
        .into_iter()
        .filter_map(|pod| Some((pod, stack::running_since(pod, profile.meshsync.container)?)))
        .collect();
    let oldest: Option<Timestamp> = pods.iter().map(|(_, since)| *since).min();
    let is_pod =
        |connection: &Connection| pods.iter().any(|(pod, _)| stack::pod_ip(pod) == Some(connection.ip.as_str()));
    let some_match = named.iter().any(|(server, connection)| is_target(server) && is_pod(connection));
    let mut left = pods.len();
    for client in named {
        let (server, connection) = client;
        let too_old = match (oldest, connection.start) {
            (Some(oldest), Some(start)) => start + super::CLOCK_SKEW < oldest,
            _ => false,
        };
        let why = if pods.is_empty() {
            Some("no MeshSync of this cluster is running")
        } else if !is_target(server) {
            Some("this cluster's MeshSync publishes to another broker")
        } else if too_old {
            Some("it connected before this cluster's MeshSync container started")
        } else if some_match && !is_pod(connection) {
            Some("another connection has the address of this cluster's MeshSync pod")
        } else if !some_match && left == 0 {
            Some("this cluster's MeshSync already has its connections")
        } else {
            None
        };
        match why {
            Some(why) => clients.foreign.push((client, why)),
            None => {
                left = left.saturating_sub(1);
                clients.meshsync.push(client);
            }
        }
    }
    clients
}
