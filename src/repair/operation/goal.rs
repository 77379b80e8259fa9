//! What is waited for in Meshery Server, and whether facts show it. Pure.

use super::{
    Before, ConnectionRef,
    connected::{self, UploadedRef},
    data_end, database_end, link, mode_end, status,
};
use crate::{facts::Facts, observe::server::More, stack::base::words};

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The server answers, and accepts us.
    Accepts,
    /// The server has a connection to this cluster, uses it, and reaches the cluster.
    Connected,
    /// The same. The evidence names the connections that are connected and are none of these, by their ID.
    Rediscovered(Vec<String>),
    /// The server has a connection to each of these contexts, uses it, and reaches its cluster.
    Uploaded(Vec<UploadedRef>),
    /// The server does not use this connection.
    Disconnected(ConnectionRef),
    /// The server has no connection with this ID.
    Deleted {
        /// The connection.
        connection: ConnectionRef,
        /// The number of objects that the server stored of its cluster before.
        stored: Option<u64>,
    },
    /// The server stores as many objects of every kind as the cluster has. The number that it stored before, if it is
    /// known.
    DataMatches(Option<u64>),
    /// The server lists a connection again, after a reset of its database.
    Listed(Before),
    /// The server is connected to this cluster again, if it was before.
    Back(Before),
    /// A connection of the server to the broker that is none of these is subscribed to the events of `MeshSync`. Each is
    /// the ID of a broker server, unique for each of its starts, and the number of the connection there.
    Link(Vec<(String, u64)>),
    /// The operator's Deployment is gone.
    OperatorGone,
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

impl Reached {
    /// It is reached, with this evidence, or this is missing.
    pub(in crate::repair) fn of(judged: Result<String, String>) -> Self {
        judged.map_or_else(Self::NotYet, Self::Yes)
    }
}

impl Goal {
    /// What it is, after "until": `until the server lists a connection to this cluster`.
    pub fn words(&self) -> String {
        match self {
            Self::Accepts => "the server accepts requests".into(),
            Self::Connected | Self::Rediscovered(_) => "the server is connected to this cluster".into(),
            Self::Disconnected(connection) => format!("connection {} is disconnected", connection.name),
            Self::Uploaded(contexts) => {
                let names: Vec<&str> = contexts.iter().map(|context| context.name.as_str()).collect();
                let noun = if names.len() == 1 { "context" } else { "contexts" };
                format!("the server is connected to {noun} {}", words::list(&names))
            }
            Self::Deleted { connection, .. } => format!("connection {} is gone", connection.name),
            Self::Listed(_) => "the server lists a connection".into(),
            Self::Back(Before { cluster: None, .. }) => "the server lists its connections".into(),
            Self::Back(_) => "the server is connected to this cluster again".into(),
            Self::DataMatches(_) => "the server stores as many objects as the cluster has".into(),
            Self::Link(before) if before.is_empty() => "the server receives from the broker".into(),
            Self::Link(_) => "the server has a new connection to the broker".into(),
            Self::OperatorGone => "the operator is removed".into(),
            Self::Mode(true) => "the server runs MeshSync itself".into(),
            Self::Mode(false) => "MeshSync is connected to the broker".into(),
        }
    }

    /// How far it is, by these facts.
    pub fn judge(&self, facts: &Facts) -> Reached {
        match self {
            Self::Accepts => Reached::of(status::accepts(facts)),
            Self::Connected => Reached::of(connected::to_this_cluster(facts)),
            Self::Disconnected(connection) => Reached::of(status::disconnected(facts, &connection.id)),
            Self::Rediscovered(active) => Reached::of(connected::again(facts, active)),
            Self::Uploaded(contexts) => Reached::of(connected::to_each(facts, contexts)),
            Self::Deleted { connection, stored } => {
                let ConnectionRef { id, name, cluster_id, .. } = connection;
                Reached::of(connected::gone(facts, id, name, cluster_id.as_deref(), *stored))
            }
            Self::DataMatches(before) => Reached::of(data_end::judge(*before, facts)),
            Self::Listed(before) => Reached::of(database_end::judge(before, true, facts)),
            Self::Back(before) => Reached::of(database_end::judge(before, false, facts)),
            Self::Link(before) => Reached::of(link::judge(facts, before)),
            Self::OperatorGone => Reached::of(mode_end::operator_gone(facts)),
            Self::Mode(embedded) => Reached::of(mode_end::judge(facts, *embedded)),
        }
    }

    /// What is asked of the server beside a diagnosis, to judge it.
    pub(in crate::repair) fn asks(&self, facts: &Facts) -> More {
        match self {
            Self::Uploaded(contexts) => connected::asked_of_each(facts, contexts),
            Self::Deleted { connection, .. } => {
                More { stored: connection.cluster_id.iter().cloned().collect(), ..More::default() }
            }
            _ => More::default(),
        }
    }
}
