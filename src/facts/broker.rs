//! The answers of the broker servers.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Handshake, ProbeFailure};
use crate::{
    report::Route,
    stack::base::{bounded, seen::Seen},
};

/// The answers of the broker servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerFacts {
    /// Whether the servers were asked at all.
    pub looked: bool,
    /// The servers: one for each broker pod, and those that were found only through an address.
    pub servers: Vec<BrokerServer>,
    /// Every route that was tried and failed, with the reason.
    pub attempts: Vec<Attempt>,
}

/// One route that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The pod, if the route leads to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The route.
    #[serde(rename = "way")]
    pub route: Route,
    /// The address, if the route has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why it failed. `None` if it reached the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ProbeFailure>,
}

/// The answers of one broker server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerServer {
    /// Its pod, if it was reached through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The route that answered.
    pub reached_by: Route,
    /// The address, if the route has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `/varz`: the server.
    pub varz: Varz,
    /// `/connz`: the client connections.
    pub connections: Seen<Vec<Connection>>,
    /// The number of listed connections that were not kept. None of them has a name that decides a state.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Whether all the connections that the server counts were listed.
    pub complete: bool,
    /// Closed connections with `MeshSync`'s name.
    #[serde(default)]
    pub closed: Seen<Vec<ClosedConnection>>,
    /// The handshake on the client port.
    pub handshake: Handshake,
    /// The greeting of the server on its client port, if it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
    /// Why the monitor failed, if only the client port answered. `varz` is then filled from the greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<ProbeFailure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the name of the function in serde")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The first line that a NATS server sends on its client port, `INFO {…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the greeting")]
pub struct Greeting {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, in the current line.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub server_name: String,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate. Missing means no.
    pub auth_required: bool,
    /// Whether clients must use TLS. Missing means no.
    pub tls_required: bool,
    /// Whether clients may use TLS. Missing means no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_available: bool,
    /// Whether the server is shutting down gracefully (lame duck mode).
    #[serde(rename = "ldm")]
    pub lame_duck: bool,
    /// The maximum size of a message, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
}

/// The fields of `/varz` that are checked or shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Varz {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, in the current line.
    #[serde(deserialize_with = "bounded::text_or_none")]
    pub server_name: Option<String>,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate. Missing means no.
    pub auth_required: bool,
    /// Routes to the other servers of the cluster.
    pub routes: u64,
    /// Open connections.
    pub connections: u64,
    /// The configured client port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether clients must use TLS. Missing means no.
    pub tls_required: bool,
    /// The maximum number of connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// The maximum size of a message, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
    /// The memory of its process, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<u64>,
    /// Slow consumers disconnected since the start.
    pub slow_consumers: u64,
    /// Messages received since the start.
    pub in_msgs: u64,
    /// Messages sent since the start.
    pub out_msgs: u64,
    /// When the server started.
    pub start: Option<Timestamp>,
    /// The server's own clock.
    pub now: Option<Timestamp>,
}

/// One client connection, from `/connz`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// The connection's number on its server.
    pub cid: u64,
    /// The name that the client sent.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// How long it has been idle, as NATS prints it.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub idle: String,
    /// Messages from the client.
    pub in_msgs: u64,
    /// Messages to the client.
    pub out_msgs: u64,
    /// Bytes that the client has not read yet.
    pub pending_bytes: u64,
    /// The number of subscriptions, which is known even if they are not listed.
    #[serde(rename = "subscriptions")]
    pub subscription_count: u64,
    /// Subjects it subscribes to.
    #[serde(rename = "subscriptions_list", skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "bounded::subjects")]
    pub subscriptions: Vec<String>,
}

/// One closed client connection, from `/connz?state=closed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClosedConnection {
    /// The connection's number on its server.
    pub cid: u64,
    /// The name that the client sent.
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Timestamp>,
    /// The reason that the server gives.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub reason: String,
}
