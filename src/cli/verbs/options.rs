//! `options`: the global flags, as `kubectl options` lists them.

use clap::{Args as _, Command};

use crate::cli::{
    args::{Global, program},
    exit::Exit,
    output::Redacted,
    terminal::Terminal,
};

pub(crate) fn run(terminal: &Terminal) -> anyhow::Result<Exit> {
    let mut command = Global::augment_args(Command::new("options"))
        .next_help_heading(None)
        .disable_help_flag(true)
        .mut_args(|argument| argument.hide(false))
        .help_template("{options}\n");
    let flags = command.render_help().to_string();
    let text =
        format!("The following options can be passed to any command of {}:\n\n{}\n", program(), flags.trim_end());
    terminal.answer(&Redacted::own(text))?;
    Ok(Exit::Ok)
}
