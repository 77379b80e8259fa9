//! Diagnoses Meshery Operator, Broker and MeshSync, and shows the fix.
//!
//! # Structure
//!
//! ```text
//! argv ─ cli ─┬─ observe ──► Facts ──► diagnose ──► Report ──► render ──► stdout
//!             └─ recording ────┘
//! ```
//!
//! Each entry uses only the entries below it.
//!
//! - [`cli`]: arguments, one short file per verb, the terminal, signals and exit codes. `cli/render/` turns results
//!   into text.
//! - [`repair`] changes the cluster: it inspects the live state, plans the changes, and applies them. `repair/apply.rs`
//!   is the only writer.
//! - [`observe`] is the only reader: API server, logs, broker, connectivity tests. It does not judge.
//! - [`cluster`] is a connection: kubeconfig, credentials, transport, requests, access reviews, discovery.
//! - [`diagnose`] turns facts into a report with rules. Each diagnosis is one file with its explanation next to it.
//! - [`facts`] are the observations as plain data, with pure functions: which objects belong to the stack, where
//!   `MeshSync` publishes, which permissions an account has. Redaction and recordings are here, too.
//! - [`report`] is the result as data, with its JSON Schemas.
//! - [`stack`] is what the stack is, without facts: names, objects, manifests, watch-list, log signatures.
//!   `stack/base/` does not depend on Meshery.
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

/// The whole program: parses the arguments, runs until it is done or interrupted, exits.
pub fn main() -> ExitCode {
    if std::env::args_os().len() < 2 {
        // Not 0: a pipeline that lost its arguments must fail.
        terminal::write_to_stderr(&args::INTRODUCTION.replace("meshdoctor ", &format!("{} ", args::program())), false);
        return Exit::Usage.into();
    }
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
            return match tell_usage(&error) {
                // A usage error has the same exit code even if it cannot be printed.
                Err(failure) if code == 0 => {
                    terminal::write_to_stderr(&format!("error: {failure}"), false);
                    Exit::Undetermined.into()
                }
                _ => code.into(),
            };
        }
    };
    // If a dependency added a second TLS provider, the first use would otherwise panic.
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
    // Pending work, such as a DNS lookup, is not waited for.
    runtime.shutdown_background();
    exit.into()
}

/// Prints help to stdout and usage errors to stderr. A usage error repeats what was typed, which must not control the
/// terminal.
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

/// Parses the arguments. As a kubectl plugin, the usage text says `kubectl meshdoctor`.
fn parse() -> Result<Cli, clap::Error> {
    let command = args::command();
    candidates::answer(&command);
    remember_token();
    let matches = command.clone().try_get_matches().map_err(|error| known_elsewhere(command, error))?;
    Cli::from_arg_matches(&matches)
}

/// The answer to a mesheryctl command, instead of a suggestion by similarity: `restart` resembles `reset`.
fn known_elsewhere(mut command: clap::Command, error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    match mesheryctl::answer(word) {
        Some(answer) => {
            let answer = answer.replace("`meshdoctor ", &format!("`{} ", args::program()));
            command.error(ErrorKind::InvalidSubcommand, format!("there is no command `{word}`: {answer}"))
        }
        None => error,
    }
}

/// Registers the bearer token of the command line as a secret, so that a usage error does not repeat it.
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
        // The order matters: the handler must be installed before a signal can arrive.
        biased;
        exit = async {
            let exit = signals.stopped().await;
            // This comes before the command is dropped, which reports how far it got.
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
    let created = cleanup.names();
    let removed = tokio::select! {
        // A user who interrupts twice wants to stop immediately.
        _ = signals.stopped() => false,
        () = cleanup.run() => true,
    };
    // A change has already reported how far it got.
    if !terminal.has_answered() {
        if let Some(text) = verbs::unfinished::interrupted(cli, exit, &created, removed) {
            let _ = terminal.answer(&text);
        } else if let Some(sentence) = verbs::unfinished::objects(&created, removed) {
            terminal.say(&sentence);
        }
    }
    exit
}

/// Prints a panic, of this program or a library, as one line and in the requested document. The release build does not
/// unwind, so the document is printed before the process ends.
pub fn prepare_for_faults(cli: &Cli) {
    let unfinished = verbs::unfinished::Unfinished::of(cli);
    terminal::tell_of_faults(move |fault, began| unfinished.fault(fault, began));
}
