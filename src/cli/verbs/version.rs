//! `version`: name and version of this program.

use crate::{
    cli::{args::Global, exit::Exit, terminal::Terminal},
    report::Tool,
};

pub(crate) fn run(global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let tool = Tool::this();
    let text = super::rendered(&tool, global.output, |_| format!("{} {}\n", tool.name, tool.version));
    terminal.answer(&text)?;
    Ok(Exit::Ok)
}
