//! The one owner of the terminal: standard output, standard error, colour, width, spinner, questions.
#![allow(clippy::print_stderr)]

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use dialoguer::theme::{SimpleTheme, Theme};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    cli::{args, exit::Exit, output::Redacted, render::Look},
    facts::redact,
    stack::base::{sanitize, words},
};

/// How long a run may take before a spinner tells what is waited for.
const SPINNER_DELAY: Duration = Duration::from_millis(250);

/// The lines of a screen of which only the columns are known.
const LINES: usize = 24;

/// The terminal, or what stands in its place.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct Terminal {
    color: bool,
    /// Whether answers are shown on a terminal, next to what is said beside them.
    pub(crate) stdout: bool,
    unicode: bool,
    /// Columns and lines; none where nothing is to be wrapped.
    size: Option<(usize, usize)>,
    /// Whether only the verdict is wanted.
    pub(crate) quiet: bool,
    /// Whether every request is to be told.
    pub(crate) verbose: bool,
    /// Whether a person sits there, whom one may ask.
    pub(crate) interactive: bool,
    spinner: ProgressBar,
    animated: bool,
    /// What the run ends with, once a signal has stopped it.
    stopped: Cell<Option<Exit>>,
}

/// Whether anything was written to standard output. It is asked for where no [`Terminal`] is at hand.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Whether a change of the cluster has begun.
static BEGAN: AtomicBool = AtomicBool::new(false);

/// Prints a panic as one line and as a document, and shows the cursor again: the release build does not unwind. `document`
/// makes the document from the place of the panic and from whether a change has begun.
#[expect(clippy::exit, reason = "after a fault there is nothing to go back to")]
pub fn tell_of_faults(document: impl Fn(&str, bool) -> (Option<Redacted>, Exit) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |fault| {
        let mut err = io::stderr().lock();
        if io::stderr().is_terminal() {
            let _ = write!(err, "\x1b[?25h");
        }
        let _ = writeln!(
            err,
            "error: this is a fault of meshdoctor itself, please report it: {}",
            redact::clean(&fault.to_string())
        );
        drop(err);
        let place = fault.location().map(ToString::to_string);
        let (text, exit) = document(place.as_deref().unwrap_or("an unknown place"), BEGAN.load(Ordering::Relaxed));
        if let Some(text) = text
            && !ANSWERED.swap(true, Ordering::Relaxed)
        {
            let mut out = io::stdout().lock();
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
        std::process::exit(exit.code().into());
    }));
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {}", words::io(.0))]
pub struct Unwritable(io::Error);

/// A line for standard error: credentials masked, and with `styled` no other sequence than our own styles.
fn told(text: &str, styled: bool) -> String {
    sanitize::for_terminal(&redact::text(text), styled).into_owned()
}

/// Writes a line to standard error. Nobody listening is no reason to stop.
pub fn write_to_stderr(text: &str, styled: bool) {
    let _ = writeln!(io::stderr(), "{}", told(text, styled));
}

/// Writes a text to standard output. A reader that has gone away is no error.
///
/// # Errors
///
/// [`Unwritable`] when standard output cannot be written for another reason, such as a full disk.
pub fn write_to_stdout(text: &Redacted, styled: bool) -> Result<(), Unwritable> {
    let text = sanitize::for_terminal(text, styled);
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Unwritable(error)),
        _ => Ok(()),
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Terminal {
    /// Looks at the environment once.
    pub fn new(global: &args::Global) -> Self {
        let stdout = io::stdout().is_terminal();
        let stderr = io::stderr().is_terminal();
        let dumb = set("TERM").as_deref() == Some("dumb");
        let color = match global.color {
            args::Color::Always => true,
            args::Color::Never => false,
            args::Color::Auto if set("NO_COLOR").is_some() => false,
            args::Color::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            args::Color::Auto => stdout && !dumb,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name));
        let unicode = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
        let screen = stdout.then(terminal_size::terminal_size).flatten();
        let number = |name: &str| set(name).and_then(|value| value.parse::<usize>().ok());
        let width = number("COLUMNS").or_else(|| screen.map(|(width, _)| usize::from(width.0)));
        let height = number("LINES").or_else(|| screen.map(|(_, height)| usize::from(height.0)));
        let size = width.map(|width| (width, height.unwrap_or(LINES)));
        Self {
            color,
            stdout,
            unicode,
            size,
            quiet: global.quiet,
            verbose: global.verbose,
            interactive: io::stdin().is_terminal() && stderr && !global.no_input,
            spinner: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            animated: stderr && !dumb && !global.quiet && !global.verbose,
            stopped: Cell::new(None),
        }
    }

    /// How to render for this terminal.
    pub fn look(&self, wide: bool) -> Look {
        Look::new(self.color, self.unicode, self.size, wide)
    }

    /// A signal has stopped the run.
    pub fn stop(&self, exit: Exit) {
        self.stopped.set(Some(exit));
    }

    /// What the run ends with, when a signal has stopped it.
    pub fn stopped(&self) -> Option<Exit> {
        self.stopped.get()
    }

    /// Whether the answer was printed.
    pub fn has_answered(&self) -> bool {
        ANSWERED.load(Ordering::Relaxed)
    }

    /// A change of the cluster begins now.
    pub fn begin_change(&self) {
        BEGAN.store(true, Ordering::Relaxed);
    }

    /// Prints the answer. A reader that has gone away is no error.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] when standard output cannot be written for another reason, such as a full disk.
    pub fn answer(&self, text: &Redacted) -> Result<(), Unwritable> {
        ANSWERED.store(true, Ordering::Relaxed);
        self.announce(text)
    }

    /// Prints what goes before the answer, which is still owed.
    ///
    /// # Errors
    ///
    /// As [`Self::answer`].
    pub fn announce(&self, text: &Redacted) -> Result<(), Unwritable> {
        self.spinner.finish_and_clear();
        write_to_stdout(text, self.color)
    }

    /// Says something beside the answer.
    pub fn say(&self, text: &str) {
        self.spinner.finish_and_clear();
        write_to_stderr(text, self.color);
    }

    /// Tells a request and its time.
    pub fn trace(&self, text: &str) {
        if self.verbose {
            write_to_stderr(text, false);
        }
    }

    /// Shows what is being waited for, on a terminal, once it takes long enough to wonder.
    pub fn wait_for(&self, what: &str) {
        if !self.animated {
            return;
        }
        self.spinner.set_message(told(what, false));
        if self.spinner.is_hidden() {
            let spinner = self.spinner.clone();
            let ticks = if self.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "-\\|/ " };
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                spinner.set_style(style.tick_chars(ticks));
            }
            tokio::spawn(async move {
                tokio::time::sleep(SPINNER_DELAY).await;
                if !spinner.is_finished() {
                    spinner.set_draw_target(ProgressDrawTarget::stderr());
                    spinner.enable_steady_tick(Duration::from_millis(100));
                }
            });
        }
    }

    /// Asks a question that is answered with yes or no; none when nobody can be asked.
    pub async fn confirm(&self, question: &str) -> Option<bool> {
        let mut prompt = String::new();
        SimpleTheme.format_confirm_prompt(&mut prompt, question, Some(false)).ok()?;
        let answer = self.ask(&prompt).await?;
        Some(["y", "yes"].contains(&answer.to_lowercase().as_str()))
    }

    /// Asks that a word be typed, for what cannot be undone; none when nobody can be asked.
    pub async fn confirm_by_typing(&self, question: &str, word: &str) -> Option<bool> {
        let mut prompt = String::new();
        SimpleTheme.format_input_prompt(&mut prompt, question, None).ok()?;
        let answer = self.ask(&prompt).await?;
        Some(answer == word)
    }

    /// Asks for a line. It is read in a thread of its own, with the terminal as it is: who interrupts the question, or
    /// terminates the program meanwhile, is heard. The library that words the question would read key by key and set the
    /// terminal anew for each, and so hang on what is typed fast or pasted.
    async fn ask(&self, prompt: &str) -> Option<String> {
        if !self.interactive {
            return None;
        }
        self.spinner.finish_and_clear();
        let mut err = io::stderr();
        write!(err, "{}", told(prompt, false)).and_then(|()| err.flush()).ok()?;
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = read.await.ok()?.ok()?;
        if !line.ends_with('\n') {
            // It ended without the key that would have done this.
            let _ = writeln!(err);
        }
        Some(line.trim().to_owned())
    }

    /// Leaves the terminal as it was found.
    pub fn restore(&self) {
        self.spinner.finish_and_clear();
        if self.animated {
            let _ = write!(io::stderr(), "\x1b[?25h");
        }
    }
}
