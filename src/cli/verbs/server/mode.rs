//! `server mode`: how Meshery Server watches this cluster.

use crate::cli::{
    args::{Global, ServerMode},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &ServerMode, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
