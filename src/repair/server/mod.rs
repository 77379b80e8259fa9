//! Changes in Meshery Server: what its user interface can do.
//!
//! - [`ServerView`] is what every plan needs to know: that the server accepts us, and its connection to this cluster.
//! - `contexts`, `mode`, `reconnect`, `data` and `database` plan, without sending anything. What their steps do and wait for
//!   is in [`crate::repair::operation`].
//! - `requests` is how each generation of the API spells an operation; `writer` sends it, waits, and collects evidence.

pub mod contexts;
pub mod data;
pub mod database;
pub mod earlier;
pub mod mode;
pub mod reconnect;
mod requests;
mod upload;
mod view;
pub(super) mod writer;

pub use self::view::ServerView;
use crate::{
    repair::plan::{Advice, Plan, Refusal},
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

/// The refusal of a plan for which these permissions are missing in the cluster.
pub fn lacking(permissions: &[Permission]) -> Refusal {
    let missing = permissions.iter().map(|permission| Advice::Text(format!("cannot {permission}")));
    Refusal::new(
        "permissions are missing in the cluster; the command below prints all that the commands of the server need",
        missing.chain([Advice::command("rbac server")]),
    )
}

/// The permissions in the cluster to restart the server and `MeshSync`.
pub fn permissions(profile: &Profile, namespace: &str) -> Vec<Permission> {
    let names = [profile.server.deployment, profile.meshsync.resource];
    let deployments = names.map(|name| Id::of(object::DEPLOYMENT, Some(namespace), name));
    deployments.iter().flat_map(|id| ["get", "patch"].map(|verb| id.permission(verb))).collect()
}
