//! `server config`: the configuration of the controllers.

use crate::cli::{
    args::{Global, ServerConfig},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &ServerConfig, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
