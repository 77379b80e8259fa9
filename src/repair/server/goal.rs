//! What is waited for in Meshery Server, and whether facts show it. Pure.

use super::ConnectionRef;
use crate::facts::Facts;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The server answers, and accepts us.
    Accepts,
    /// The server has a connection to this cluster, uses it, and reaches the cluster.
    Connected,
    /// The server does not use this connection.
    Disconnected(ConnectionRef),
    /// The server has no connection with this ID.
    Deleted(ConnectionRef),
    /// The server stores as many objects of every kind as the cluster has.
    DataMatches,
    /// A connection of the server to the broker that is none of these is subscribed to the events of `MeshSync`. Each is
    /// a broker server's pod and the number of the connection there.
    Link(Vec<(String, u64)>),
    /// The connection's mode is in effect; whether it is `embedded`, otherwise `operator`.
    Mode(bool),
}

/// How far a goal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It is reached; the evidence.
    Yes(String),
    /// It is not reached yet; what is missing.
    NotYet(String),
    /// It will not be reached; why.
    Never(String),
}

impl Goal {
    /// What it is, after "until": `until the server lists a connection to this cluster`.
    pub fn words(&self) -> String {
        match self {
            Self::Accepts => "the server accepts requests".into(),
            Self::Connected => "the server is connected to this cluster".into(),
            Self::Disconnected(connection) => format!("connection {} is disconnected", connection.name),
            Self::Deleted(connection) => format!("connection {} is gone", connection.name),
            Self::DataMatches => "the server stores as many objects as the cluster has".into(),
            Self::Link(_) => "the server has a new connection to the broker".into(),
            Self::Mode(true) => "the server runs MeshSync itself".into(),
            Self::Mode(false) => "MeshSync is connected to the broker".into(),
        }
    }

    /// How far it is, by these facts.
    pub fn judge(&self, facts: &Facts) -> Reached {
        let _ = facts;
        Reached::NotYet("not judged".into())
    }
}
