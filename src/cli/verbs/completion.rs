//! `completion`: a shell's script, from the definitions of the command line.

use clap::CommandFactory;

use crate::cli::{args::Cli, exit::Exit, output::Redacted, terminal::Terminal};

pub(crate) fn run(shell: clap_complete::Shell, terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "meshdoctor", &mut script);
    terminal.answer(&Redacted::own(String::from_utf8_lossy(&script).into_owned()))?;
    Ok(Exit::Ok)
}
