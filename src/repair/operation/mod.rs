//! What a step of a plan does in Meshery Server, and what it waits for. Data and pure functions.
//!
//! - [`Operation`] is what a step does, [`Goal`] what is waited for.
//! - `link`, `status`, `connected`, `mode_end`, `data_end` and `database_end` judge by facts whether a goal is reached.

pub(super) mod connected;
pub(super) mod connection;
pub(super) mod data_end;
pub(super) mod database_end;
mod goal;
mod link;
pub(super) mod mode_end;
mod status;

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

pub use self::{
    connected::UploadedRef,
    connection::ConnectionRef,
    database_end::{Before, Drop},
    goal::{Goal, Reached},
};
use crate::{facts::server::ApiGeneration, stack::object::Id};

/// The `apiVersion` of what Meshery Server stores, in a report.
const API_VERSION: &str = "meshery-server";

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Uploads a kubeconfig.
    Upload(Upload),
    /// Makes the server look for kubeconfigs again, and start what it does for each of its connections.
    Rediscover,
    /// Changes the status of a connection.
    SetStatus(ConnectionRef, Status, ApiGeneration),
    /// Changes the mode of a connection; whether it becomes `embedded`, otherwise `operator`.
    SetMode(ConnectionRef, bool),
    /// Deletes a connection.
    DeleteConnection(ConnectionRef),
    /// Deletes the stored objects of a connection's cluster, and requests them again.
    FlushData(ConnectionRef, ApiGeneration),
    /// Drops every table, and creates them empty.
    ResetDatabase(Drop),
    /// Waits for a goal.
    Wait {
        /// What is waited for.
        goal: Goal,
        /// The maximum time, if it is shorter than that of every wait.
        at_most: Option<Duration>,
        /// Whether the plan goes on if the goal is not reached.
        optional: bool,
    },
}

/// A kubeconfig that is uploaded.
#[derive(Clone)]
pub struct Upload {
    /// The file as it is shown.
    pub file: String,
    /// The names of its contexts.
    pub contexts: Vec<String>,
    /// The kubeconfig as it is sent, with credentials.
    pub kubeconfig: Arc<SecretString>,
}

/// The status of a connection that a user can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The server uses it.
    Connected,
    /// The server does not use it, and removes what it installed in the cluster.
    Disconnected,
}

impl Operation {
    /// A wait that must end well.
    pub fn wait(goal: Goal) -> Self {
        Self::Wait { goal, at_most: None, optional: false }
    }

    /// What the step is about, for the report: `Connection prod`. `server` is the server's address.
    pub fn subject(&self, server: &str) -> Id {
        let (kind, name) = match self {
            Self::Upload(upload) => ("Kubeconfig", upload.file.as_str()),
            Self::SetStatus(connection, ..) | Self::SetMode(connection, _) | Self::DeleteConnection(connection) => {
                ("Connection", connection.name.as_str())
            }
            Self::FlushData(connection, _) => ("Data", connection.name.as_str()),
            Self::ResetDatabase(_) => ("Database", server),
            Self::Rediscover | Self::Wait { .. } => ("Server", server),
        };
        Id {
            api_version: API_VERSION.into(),
            kind: kind.into(),
            plural: String::new(),
            namespace: None,
            name: if name.is_empty() { "unnamed".into() } else { name.into() },
        }
    }

    /// What it does, in one word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::Rediscover => "rediscover",
            Self::SetStatus(_, Status::Connected, _) => "connect",
            Self::SetStatus(_, Status::Disconnected, _) => "disconnect",
            Self::SetMode(..) => "switch",
            Self::DeleteConnection(_) => "delete",
            Self::FlushData(..) => "flush",
            Self::ResetDatabase(_) => "reset",
            Self::Wait { .. } => "wait",
        }
    }

    /// What it does, as the beginning of a sentence without its object: `uploading`.
    pub fn doing(&self) -> &'static str {
        match self {
            Self::Upload(_) => "uploading",
            Self::Rediscover => "rediscovering the contexts of",
            Self::SetStatus(_, Status::Connected, _) => "connecting",
            Self::SetStatus(_, Status::Disconnected, _) => "disconnecting",
            Self::SetMode(..) => "switching the mode of",
            Self::DeleteConnection(_) => "deleting",
            Self::FlushData(..) => "flushing",
            Self::ResetDatabase(_) => "resetting",
            Self::Wait { .. } => "waiting for",
        }
    }

    /// What was done with its object: `uploaded`.
    pub fn done(&self) -> &'static str {
        match self {
            Self::Upload(_) => "uploaded",
            Self::Rediscover => "asked to rediscover its contexts",
            Self::SetStatus(_, Status::Connected, _) => "connected",
            Self::SetStatus(_, Status::Disconnected, _) => "disconnected",
            Self::SetMode(..) => "switched",
            Self::DeleteConnection(_) => "deleted",
            Self::FlushData(..) => "flush requested",
            Self::ResetDatabase(_) => "reset",
            Self::Wait { .. } => "ready",
        }
    }

    /// The operation as a question asks about it: `delete connection prod`.
    pub fn asked(&self) -> Option<String> {
        Some(match self {
            Self::Upload(upload) => format!("upload {}", upload.file),
            Self::Rediscover => "rediscover the contexts".into(),
            Self::SetStatus(connection, ..) | Self::DeleteConnection(connection) => {
                format!("{} connection {}", self.verb(), connection.name)
            }
            Self::SetMode(connection, embedded) => {
                let mode = if *embedded { "embedded" } else { "operator" };
                format!("switch connection {} to mode {mode}", connection.name)
            }
            Self::FlushData(connection, _) => format!("flush the data of connection {}", connection.name),
            Self::ResetDatabase(_) => "drop every table of the database".into(),
            Self::Wait { .. } => return None,
        })
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("file", &self.file).field("contexts", &self.contexts).finish_non_exhaustive()
    }
}

impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
            && self.contexts == other.contexts
            && self.kubeconfig.expose_secret() == other.kubeconfig.expose_secret()
    }
}

impl Eq for Upload {}
