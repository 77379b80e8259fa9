//! Whose the broker's clients are.

use k8s_openapi::jiff::Timestamp;

use crate::facts::{BrokerServer, Connection, Facts, stack};

/// A client and the server that lists it.
pub(super) type Client<'a> = (&'a BrokerServer, &'a Connection);

/// The broker's clients that matter.
#[derive(Debug, Default)]
pub(super) struct Clients<'a> {
    /// `MeshSync`'s own connections.
    pub(super) meshsync: Vec<Client<'a>>,
    /// Connections of `MeshSync`'s name that are not its own, and why not.
    pub(super) foreign: Vec<(Client<'a>, &'static str)>,
    /// Connections of the server that reads from the broker.
    pub(super) server: Vec<Client<'a>>,
}

/// Sorts the clients.
///
/// A matching pod address settles it. Where none matches, as behind a gateway, the name is enough, up to the number of
/// pods that run; but a connection older than every container of ours is never ours.
/// Only on a server that `is_target` can a connection be our `MeshSync`'s.
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

    // Without a look at pods, the name is all there is to go by.
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
            Some("no MeshSync of ours runs")
        } else if !is_target(server) {
            Some("our MeshSync is told to publish to another broker")
        } else if too_old {
            Some("it connected before our MeshSync's container started")
        } else if some_match && !is_pod(connection) {
            Some("another connection comes from our pod's address")
        } else if !some_match && left == 0 {
            Some("our MeshSync has its connections already")
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
