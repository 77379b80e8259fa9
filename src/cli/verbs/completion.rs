//! `completion`: a shell script that asks this program for candidates.

use crate::cli::{candidates, exit::Exit, output::Redacted, terminal::Terminal};

pub(crate) fn run(shell: clap_complete::Shell, terminal: &Terminal) -> anyhow::Result<Exit> {
    terminal.answer(&Redacted::own(candidates::script(shell)?))?;
    Ok(Exit::Ok)
}
