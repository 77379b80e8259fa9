//! Tells what state Meshery's Operator, Broker and MeshSync are truly in, why, and what to do.
//!
//! # The map
//!
//! ```text
//! argv ─ cli ─┬─ observe ──► Facts ──► diagnose ──► Report ──► render ──► stdout
//!             └─ recording ────┘
//! ```
//!
//! Each entry uses only the entries below it.
//!
//! - [`cli`]: arguments, one short file per verb, the terminal, signals and exit codes. `cli/render/` turns answers into text.
//! - [`repair`] changes things: it inspects the live state, plans the changes, and applies them. `repair/apply.rs` is the
//!   only writer.
//! - [`observe`] is the only reader of the world: API server, logs, broker, connectivity tests. It judges nothing.
//! - [`cluster`] is a connection: kubeconfig, credentials, transport, requests, access reviews, discovery.
//! - [`diagnose`] turns facts into a report by rules, one file for each diagnosis with its explanation beside it.
//! - [`facts`] is what was seen, as plain data, and pure functions over it: which objects are the stack's, where `MeshSync`
//!   publishes, what an account may do. Redaction and recordings are here too.
//! - [`report`] is the answer as data, with its JSON Schemas.
//! - [`stack`] is what the stack is, without facts: names, objects, manifests, watch-list, log signatures. `stack/base/`
//!   knows nothing of Meshery.
//!
//! A new diagnosis is one rule and its explanation under `diagnose/rules/`, and one folder in `fixtures/`.

pub mod cli;
pub mod cluster;
pub mod diagnose;
pub mod facts;
pub mod observe;
pub mod repair;
pub mod report;
pub mod stack;

use std::{borrow::Cow, io::IsTerminal, process::ExitCode};

use clap::FromArgMatches;

use crate::{
    cli::{
        args::{self, Cli},
        candidates,
        exit::Exit,
        mesheryctl,
        output::Redacted,
        signals::Signals,
        terminal::{self, Terminal, Unwritable},
        verbs,
    },
    cluster::cleanup::Cleanup,
    facts::redact,
    stack::base::sanitize,
    stack::base::usage::UsageError,
};

/// The whole program: parse, run until done or told to stop, exit.
pub fn main() -> ExitCode {
    if std::env::args_os().len() < 2 {
        // Not 0: a pipeline whose arguments got lost must not pass.
        terminal::write_to_stderr(&args::INTRODUCTION.replace("meshdoctor ", &format!("{} ", args::program())), false);
        return Exit::Usage.into();
    }
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
            return match tell_usage(&error) {
                // A usage error that nobody can read has the same code as one that is read.
                Err(failure) if code == 0 => {
                    terminal::write_to_stderr(&format!("error: {failure}"), false);
                    Exit::Undetermined.into()
                }
                _ => code.into(),
            };
        }
    };
    // Another dependency that brings a second TLS provider would otherwise turn the first use into a panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    prepare_for_faults(&cli);
    let terminal = Terminal::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.say(&format!("error: no runtime: {error}"));
            return Exit::Undetermined.into();
        }
    };
    let exit = runtime.block_on(until_stopped(&cli, &terminal));
    // What still hangs, such as a name look-up, is not waited for.
    runtime.shutdown_background();
    exit.into()
}

/// Prints help to standard output and mistakes to standard error. A mistake repeats what was typed: nothing of that may
/// steer the terminal.
fn tell_usage(error: &clap::Error) -> Result<(), Unwritable> {
    let plain = error.to_string();
    let safe = matches!(sanitize::for_terminal(&plain, false), Cow::Borrowed(_));
    let is_terminal =
        if error.use_stderr() { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() };
    let styled = safe && is_terminal && std::env::var_os("NO_COLOR").is_none();
    let text = if styled { error.render().ansi().to_string() } else { plain };
    if error.use_stderr() {
        terminal::write_to_stderr(text.trim_end(), styled);
        return Ok(());
    }
    terminal::write_to_stdout(&Redacted::own(text), styled)
}

/// Parses the arguments; as a plugin of kubectl, usage speaks of `kubectl meshdoctor`.
fn parse() -> Result<Cli, clap::Error> {
    let command = args::command();
    candidates::answer(&command);
    remember_token();
    let matches = command.clone().try_get_matches().map_err(|error| known_elsewhere(command, error))?;
    Cli::from_arg_matches(&matches)
}

/// The answer to a command of mesheryctl, in place of a suggestion by likeness: `restart` looks like `reset`.
fn known_elsewhere(mut command: clap::Command, error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => word,
        _ => return error,
    };
    match mesheryctl::answer(word) {
        Some(answer) => {
            let answer = answer.replace("`meshdoctor ", &format!("`{} ", args::program()));
            command.error(ErrorKind::InvalidSubcommand, format!("there is no command `{word}`: {answer}"))
        }
        None => error,
    }
}

/// Remembers the bearer token of the command line, which a mistake elsewhere in it must not repeat.
fn remember_token() {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--token") {
            Some("") => {
                if let Some(token) = arguments.next() {
                    redact::remember(&token);
                }
            }
            Some(rest) => redact::remember(rest.strip_prefix('=').unwrap_or_default()),
            None => {}
        }
    }
}

async fn until_stopped(cli: &Cli, terminal: &Terminal) -> Exit {
    let cleanup = Cleanup::default();
    let mut signals = Signals::default();
    let exit = tokio::select! {
        // In this order: a signal that comes at once must find somebody who listens.
        biased;
        exit = async {
            let exit = signals.stopped().await;
            // Before the command is dropped, which tells how far it got.
            terminal.stop(exit);
            exit
        } => {
            terminal.restore();
            exit
        }
        result = verbs::run(cli, terminal, &cleanup) => return match result {
            Ok(exit) => exit,
            Err(error) => {
                let usage = error.downcast_ref::<UsageError>();
                let hint = usage.map(UsageError::suffix).unwrap_or_default();
                terminal.say(&format!("error: {error:#}{hint}"));
                if usage.is_some() { Exit::Usage } else { Exit::Undetermined }
            }
        },
    };
    let owed = cleanup.names();
    let removed = tokio::select! {
        // Whoever asks twice means at once.
        _ = signals.stopped() => false,
        () = cleanup.run() => true,
    };
    // A change has told by itself how far it got.
    if !terminal.has_answered()
        && let Some(text) = verbs::unfinished::interrupted(cli, exit, &owed, removed)
    {
        let _ = terminal.answer(&text);
    }
    exit
}

/// Has a fault of this program itself, or of a library, end in a sentence and in the document that was asked for. The
/// release build does not unwind, so the document is printed before the process ends.
pub fn prepare_for_faults(cli: &Cli) {
    let unfinished = verbs::unfinished::Unfinished::of(cli);
    terminal::tell_of_faults(move |fault, began| unfinished.fault(fault, began));
}
