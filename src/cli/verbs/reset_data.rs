//! `system reset data`: empties what Meshery Server stores of this cluster, so that it is received again.

use crate::cli::{
    args::{Global, Reset},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
