//! `server contexts`: the Kubernetes contexts that Meshery Server knows.

use crate::cli::{
    args::{Contexts, Global},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &Contexts, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
