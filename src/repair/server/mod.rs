//! Changes in Meshery Server: what its user interface can do.
//!
//! - [`Operation`] is what a step does there, [`Goal`] what is waited for; both are data.
//! - [`ServerView`] is what every plan needs to know: that the server accepts us, and its connection to this cluster.
//! - `contexts`, `mode`, `reconnect`, `data` and `database` plan, without sending anything.
//! - `link`, `status`, `connected`, `mode_end`, `data_end` and `database_end` judge whether a goal is reached.
//! - `requests` is how each generation of the API spells an operation; `writer` sends it, waits, and collects evidence.

mod connected;
mod connection;
pub mod contexts;
pub mod data;
mod data_end;
pub mod database;
mod database_end;
pub mod earlier;
mod goal;
mod link;
pub mod mode;
mod mode_end;
mod operation;
pub mod reconnect;
mod requests;
mod status;
mod upload;
mod view;
pub(super) mod writer;

pub use self::{
    connected::UploadedRef,
    connection::ConnectionRef,
    database_end::{Before, Drop},
    goal::{Goal, Reached},
    operation::{Operation, Status, Upload},
    view::ServerView,
};
use crate::{
    repair::plan::{Plan, Refusal},
    report::ServerChange,
    stack::{
        base::permission::Permission,
        object::{self, Id},
        profile::Profile,
    },
};

/// The plan of a remedy, for `check --fix`.
///
/// # Errors
///
/// A [`Refusal`] if the server cannot do it, or if a person must decide.
pub fn plan_of(change: &ServerChange, view: &ServerView<'_>) -> Result<Plan, Refusal> {
    match change {
        ServerChange::Rediscover => contexts::rediscover(view),
        ServerChange::Reconnect => reconnect::mild(view),
        ServerChange::FlushData => data::fix(view),
        ServerChange::Upload
        | ServerChange::DeleteConnection(_)
        | ServerChange::OperatorMode
        | ServerChange::ResetDatabase => Err(Refusal::new("only a person may decide it", [])),
    }
}

/// The permissions in the cluster to restart the server and `MeshSync`.
pub fn permissions(profile: &Profile, namespace: &str) -> Vec<Permission> {
    let names = [profile.server.deployment, profile.meshsync.resource];
    let deployments = names.map(|name| Id::of(object::DEPLOYMENT, Some(namespace), name));
    deployments.iter().flat_map(|id| ["get", "patch"].map(|verb| id.permission(verb))).collect()
}
