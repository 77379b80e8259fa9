//! What the broker servers answered.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Handshake, ProbeFailure};
use crate::{
    report::Way,
    stack::base::{bounded, seen::Seen},
};

/// What the broker's servers answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BrokerFacts {
    /// Whether the servers were asked at all.
    pub looked: bool,
    /// The servers, one for each broker pod, and those that only an address led to.
    pub servers: Vec<BrokerServer>,
    /// Every way that was tried, and how each failed.
    pub attempts: Vec<Attempt>,
}

/// One way that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The pod, when one was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The way.
    pub way: Way,
    /// The address, where the way has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How it failed; none when it led to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ProbeFailure>,
}

/// What one broker server answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerServer {
    /// Its pod, when it was reached through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Which way answered.
    pub reached_by: Way,
    /// The address, where the way has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `/varz`: the server itself.
    pub varz: Varz,
    /// `/connz`: the client connections.
    pub connections: Seen<Vec<Connection>>,
    /// How many more it listed that are not kept, none of them of a name that decides a state.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
    /// Whether every connection was listed that it says it has.
    pub complete: bool,
    /// Connections of `MeshSync`'s name that have ended.
    #[serde(default)]
    pub closed: Seen<Vec<ClosedConnection>>,
    /// The handshake on the client port.
    pub handshake: Handshake,
    /// What the server said of itself on its client port, where it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
    /// How its monitor failed, where the client port alone answered: `varz` is then what the greeting said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<ProbeFailure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The first line of a NATS server on its client port, `INFO {…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Greeting {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, on the current line.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub server_name: String,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate; absent means no.
    pub auth_required: bool,
    /// Whether clients must speak TLS; absent means no.
    pub tls_required: bool,
    /// Whether the server is shutting down in good order, as a lame duck.
    #[serde(rename = "ldm")]
    pub lame_duck: bool,
    /// The largest message that it takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
}

/// The part of `/varz` that is judged or shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Varz {
    /// Unique for each start of a server.
    #[serde(deserialize_with = "bounded::text")]
    pub server_id: String,
    /// The pod's name, on the current line.
    #[serde(deserialize_with = "bounded::text_or_none")]
    pub server_name: Option<String>,
    /// The NATS version.
    #[serde(deserialize_with = "bounded::text")]
    pub version: String,
    /// Whether clients must authenticate; absent means no.
    pub auth_required: bool,
    /// Routes to other servers of one cluster.
    pub routes: u64,
    /// Open connections.
    pub connections: u64,
    /// The port for clients that it is configured with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether clients must speak TLS; absent means no.
    pub tls_required: bool,
    /// The most connections that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// The largest message that it takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
    /// The memory of its process, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mem: Option<u64>,
    /// Clients cut off since the start because they did not read fast enough.
    pub slow_consumers: u64,
    /// Messages taken since the start.
    pub in_msgs: u64,
    /// Messages passed on since the start.
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
    /// The name that the client gave.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// How long it has said nothing, as NATS prints it.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub idle: String,
    /// Messages from the client.
    pub in_msgs: u64,
    /// Messages to the client.
    pub out_msgs: u64,
    /// Bytes that wait for the client to read them.
    pub pending_bytes: u64,
    /// How many subscriptions it has; counted even where they are not listed.
    #[serde(rename = "subscriptions")]
    pub subscription_count: u64,
    /// Subjects it subscribes to.
    #[serde(rename = "subscriptions_list", skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "bounded::subjects")]
    pub subscriptions: Vec<String>,
}

/// One client connection that has ended, from `/connz?state=closed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClosedConnection {
    /// The connection's number on its server.
    pub cid: u64,
    /// The name that the client gave.
    #[serde(deserialize_with = "bounded::text")]
    pub name: String,
    /// The client's address as the server sees it.
    #[serde(deserialize_with = "bounded::text")]
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Timestamp>,
    /// Why, in the server's words.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "bounded::text")]
    pub reason: String,
}
