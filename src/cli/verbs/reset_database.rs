//! `system reset database`: drops every table of Meshery Server's database.

use crate::cli::{
    args::{Global, Reset},
    exit::Exit,
    terminal::Terminal,
};

pub(super) async fn run(args: &Reset, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let _ = (args, global, terminal);
    anyhow::bail!("not implemented")
}
