//! `server contexts`: the Kubernetes contexts that Meshery Server knows.

mod change;
mod show;

pub(crate) use self::show::reduce;
use crate::cli::{
    args::{Contexts, Global},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &Contexts, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    match args {
        Contexts::List(args) => show::list(args, global, terminal).await,
        Contexts::Ping(args) => show::ping(args, global, terminal).await,
        Contexts::Rediscover(args) => change::rediscover(args, global, terminal).await,
        Contexts::Upload(args) => change::upload(args, global, terminal).await,
        Contexts::Delete(args) => change::delete(args, global, terminal).await,
    }
}
