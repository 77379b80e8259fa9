//! `server`: what Meshery Server shows, and what its user interface can change.

mod config;
mod contexts;
mod mode;
mod reconnect;
mod status;

pub(crate) use self::{config::reduce as reduce_to_config, contexts::reduce as reduce_to_contexts, status::reduce};
use crate::{
    cli::{
        args::{Global, Server},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::session::Session,
    repair::{
        plan::{Plan, Refusal},
        server,
    },
};

pub(crate) async fn run(args: &Server, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    match args {
        Server::Status(args) => status::run(args, global, terminal).await,
        Server::Config(args) => config::run(args, global, terminal).await,
        Server::Contexts(args) => contexts::run(args, global, terminal).await,
        Server::Mode(args) => mode::run(args, global, terminal).await,
        Server::Reconnect(args) => reconnect::run(args, global, terminal).await,
    }
}

/// Whether the user may do in the cluster what a plan does there.
///
/// # Errors
///
/// What is missing.
pub(super) async fn permitted(session: &Session<'_>, plan: &Plan) -> Result<(), Refusal> {
    let lacking = session.lacking(plan.permissions()).await;
    if lacking.is_empty() { Ok(()) } else { Err(server::lacking(&lacking)) }
}
