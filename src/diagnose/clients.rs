//! Classifies the broker's clients.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

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

/// When a client was last active, according to the server's own clock.
pub(super) fn last_activity(server: &BrokerServer, client: &Connection) -> Option<Timestamp> {
    let idle = server.varz.now.zip(idle(&client.idle)).and_then(|(now, idle)| now.checked_sub(idle).ok());
    idle.max(client.start)
}

/// A time span as NATS prints it: `45s`, `3m20s`, `1d2h3m4s`, `1y2d3h4m5s`.
fn idle(text: &str) -> Option<SignedDuration> {
    let mut seconds = 0_i64;
    let mut number: Option<i64> = None;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
            continue;
        }
        let unit = match c {
            'y' => 365 * 86_400,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !text.is_empty()).then(|| SignedDuration::from_secs(seconds))
}

/// Whether a client is known to subscribe to a subject.
pub(crate) fn subscribes(client: &Connection, subject: &str) -> bool {
    client.subscriptions.iter().any(|pattern| matches(pattern, subject))
}

/// Whether a subscription's pattern matches a subject: `*` is one token, `>` one or more at the end.
fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_read_as_nats_prints_it() {
        for (text, seconds) in
            [("0s", 0), ("45s", 45), ("3m20s", 200), ("1d2h3m4s", 93_784), ("1y0d0h0m1s", 31_536_001)]
        {
            assert_eq!(idle(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "3", "m", "3x", "99999999999999999999s"] {
            assert_eq!(idle(text), None, "{text}");
        }
    }

    #[test]
    fn patterns_match_like_nats() {
        let subject = "meshery.meshsync.core";
        for pattern in [subject, "meshery.>", ">", "meshery.*.core", "*.*.*"] {
            assert!(matches(pattern, subject), "{pattern}");
        }
        for pattern in ["meshery", "meshery.*", "meshery.meshsync.core.>", "*.core", "meshery.meshsync.request"] {
            assert!(!matches(pattern, subject), "{pattern}");
        }
    }
}
