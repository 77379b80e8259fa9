//! `server reconnect`: look, plan, show, ask, reconnect.

use crate::cli::{
    args::{Global, ServerReconnect},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &ServerReconnect, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
