//! Tells what state Meshery's Operator, Broker and MeshSync are truly in, why, and what to do.
//!
//! # The map
//!
//! ```text
//! argv ─ cli ─ command ─┬─ observe ──► Facts ──► diagnose ──► Report ──► render ──► stdout
//!                       └─ recording ─────┘
//! ```
//!
//! - [`cli`] is what can be typed, and nothing else; [`command`] has a short file for each verb, joining stages.
//! - [`observe`] is the only reader of the world: kubeconfig, API server, broker. It judges nothing.
//! - [`facts`] is what was seen, as plain data. [`seen::Seen`] tells "not there" from "could not look".
//! - [`recording`] is facts in a file. Whatever judges can judge one instead of a cluster.
//! - [`stack`] knows which objects are the stack's, [`destination`] where `MeshSync` is told to publish, [`rights`] what an
//!   account may do, [`owner`] which other tool lays claim to an object; [`probe`] is the object that a test makes,
//!   [`output_filter`] what `MeshSync`'s flags leave out; [`watch_list`] reads `MeshSync`'s list as `MeshSync` does;
//!   [`profile`] holds every name of one family
//!   of stacks.
//! - [`diagnose`] turns facts into a report by rules that are data; [`catalogue`] says what each diagnosis means.
//! - [`repair`] changes things: it holds the stack as it is installed, plans what makes of what there is what should be,
//!   and carries that out. `repair/apply.rs` is the only writer; a preflight and a dry run try the same objects.
//! - [`report`] is the shape of the answer, [`render`] turns it into text, [`terminal`] owns the terminal.
//!
//! A new disease is one rule under `diagnose/rules/`, one entry and text in `catalogue/`, and one folder in `fixtures/`.

mod bounded;
pub mod catalogue;
pub mod cleanup;
pub mod cli;
pub mod command;
pub mod destination;
pub mod diagnose;
pub mod exit;
pub mod facts;
pub mod failure;
pub mod files;
pub mod limits;
pub mod log_lines;
pub mod observe;
pub mod output;
pub mod output_filter;
pub mod owner;
pub mod probe;
pub mod profile;
#[cfg(test)]
mod properties;
pub mod reader;
pub mod recording;
pub mod redact;
pub mod render;
pub mod repair;
pub mod report;
pub mod rights;
pub mod room;
pub mod sanitize;
pub mod seen;
pub mod stack;
pub mod terminal;
mod token;
pub mod watch_list;
pub mod watched_kinds;
mod words;
mod yaml;

use std::{borrow::Cow, io::IsTerminal, process::ExitCode, task::Poll};

use clap::{CommandFactory, FromArgMatches};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cleanup::Cleanup,
    cli::Cli,
    exit::Exit,
    exit::UsageError,
    output::Redacted,
    terminal::{Terminal, Unwritable},
};

/// The whole program: parse, run until done or told to stop, exit.
pub fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code());
            return match tell_usage(&error) {
                // A usage error that nobody can read has the same code as one that is read.
                Err(failure) if code == 0 => {
                    terminal::complain(&format!("error: {failure}"));
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
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
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
    let is_terminal = if error.use_stderr() {
        std::io::stderr().is_terminal()
    } else {
        std::io::stdout().is_terminal()
    };
    let styled = safe && is_terminal && std::env::var_os("NO_COLOR").is_none();
    let text = if styled {
        error.render().ansi().to_string()
    } else {
        plain
    };
    if error.use_stderr() {
        terminal::write_to_stderr(text.trim_end(), styled);
        return Ok(());
    }
    terminal::write_to_stdout(&Redacted::own(text), styled)
}

/// Parses the arguments; as a plugin of kubectl, usage speaks of `kubectl meshdoctor`.
fn parse() -> Result<Cli, clap::Error> {
    let program = std::env::args_os().next().unwrap_or_default();
    let plugin = std::path::Path::new(&program)
        .file_stem()
        .is_some_and(|name| name == "kubectl-meshdoctor");
    let mut command = Cli::command();
    if plugin {
        command = command.bin_name("kubectl meshdoctor");
    }
    remember_token();
    let matches = command.try_get_matches()?;
    Cli::from_arg_matches(&matches)
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
        result = command::run(cli, terminal, &cleanup) => return match result {
            Ok(exit) => exit,
            Err(error) => {
                terminal.say(&format!("error: {error:#}"));
                if error.is::<UsageError>() { Exit::Usage } else { Exit::Undetermined }
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
        && let Some(text) = command::unfinished::interrupted(cli, exit, &owed, removed)
    {
        let _ = terminal.answer(&text);
    }
    exit
}

/// Has a fault of this program itself, or of a library, end in a sentence and in the document that was asked for. The
/// release build does not unwind, so the document is printed before the process ends.
pub fn prepare_for_faults(cli: &Cli) {
    let unfinished = command::unfinished::Unfinished::of(cli);
    terminal::tell_of_faults(move |fault, began| unfinished.fault(fault, began));
}

/// The signals that stop the run. They are listened to once and for all, so that none is lost between two waits.
struct Signals(Vec<(Signal, Exit)>);

impl Default for Signals {
    fn default() -> Self {
        let all = [
            (SignalKind::hangup(), Exit::HungUp),
            (SignalKind::interrupt(), Exit::Interrupted),
            (SignalKind::quit(), Exit::Quit),
            (SignalKind::terminate(), Exit::Terminated),
        ];
        let heard = all
            .into_iter()
            // Under nohup the run goes on when the terminal is closed.
            .filter(|(_, exit)| *exit != Exit::HungUp || !ignores_hangups())
            .filter_map(|(kind, exit)| Some((signal(kind).ok()?, exit)));
        Self(heard.collect())
    }
}

/// Whether whoever started this process has it ignore SIGHUP, as far as the system tells.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, which the lowest bit stands for.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

impl Signals {
    /// Waits for the next.
    async fn stopped(&mut self) -> Exit {
        std::future::poll_fn(|context| {
            for (signal, exit) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*exit);
                }
            }
            Poll::Pending
        })
        .await
    }
}
