//! The only owner of the terminal: stdout, stderr, color, width, spinner, questions.
#![allow(clippy::print_stderr)]

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use dialoguer::theme::{SimpleTheme, Theme};

use crate::{
    cli::{args, exit::Exit, live_list::LiveList, live_view::LiveView, output::Redacted, render::Look},
    facts::redact,
    observe::progress::StepEvent,
    stack::base::{sanitize, words},
};

/// The height of a screen if only its width is known.
const LINES: usize = 24;

/// The terminal, or the files and pipes used instead of one.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct Terminal {
    color: bool,
    /// Whether stdout is a terminal.
    pub(crate) stdout: bool,
    unicode: bool,
    /// Columns and lines; `None` if nothing is wrapped.
    size: Option<(usize, usize)>,
    /// Whether to print only the verdict or the last sentence (`--quiet`).
    pub(crate) quiet: bool,
    /// Whether to log every request (`--verbose`).
    pub(crate) verbose: bool,
    /// Whether questions can be asked.
    pub(crate) interactive: bool,
    /// What is shown during a wait.
    live: LiveView,
    animated: bool,
    /// Whether a question is waiting for its answer.
    asking: Cell<bool>,
    /// The exit code, once a signal has stopped the run.
    stopped: Cell<Option<Exit>>,
}

/// Whether the answer was written to stdout. It is global because the panic hook has no [`Terminal`].
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Whether a change of the cluster has begun.
static BEGAN: AtomicBool = AtomicBool::new(false);

/// Prints a panic as one line and as a document, because the release build does not unwind. `document`
/// creates the document from the location of the panic and from whether a change has begun.
#[expect(clippy::exit, reason = "the program cannot continue after a panic")]
pub fn tell_of_faults(document: impl Fn(&str, bool) -> (Option<Redacted>, Exit) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |fault| {
        let _ = writeln!(
            io::stderr(),
            "error: this is a bug in meshdoctor, please report it: {}",
            redact::clean(&fault.to_string())
        );
        let place = fault.location().map(ToString::to_string);
        let (text, exit) = document(place.as_deref().unwrap_or("an unknown location"), BEGAN.load(Ordering::Relaxed));
        if let Some(text) = text
            && !ANSWERED.swap(true, Ordering::Relaxed)
        {
            let mut out = io::stdout().lock();
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
        std::process::exit(exit.code().into());
    }));
}

/// Stdout cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {}", words::io(.0))]
pub struct Unwritable(io::Error);

/// A line for stderr: credentials are masked, and with `styled` only our own style sequences remain.
fn cleaned(text: &str, styled: bool) -> String {
    sanitize::for_terminal(&redact::text(text), styled).into_owned()
}

/// Writes a line to stderr. A closed stderr does not stop the run.
pub fn write_to_stderr(text: &str, styled: bool) {
    let _ = writeln!(io::stderr(), "{}", cleaned(text, styled));
}

/// Writes a text to stdout. A closed pipe is not an error.
///
/// # Errors
///
/// [`Unwritable`] if stdout cannot be written for another reason, such as a full disk.
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
    /// Reads the environment once.
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
            live: LiveView::default(),
            animated: stderr && !dumb && !global.quiet && !global.verbose,
            asking: Cell::new(false),
            stopped: Cell::new(None),
        }
    }

    /// How to render for this terminal.
    pub fn look(&self, wide: bool) -> Look {
        Look::new(self.color, self.unicode, self.size, wide)
    }

    /// Notes that a signal has stopped the run.
    pub fn stop(&self, exit: Exit) {
        self.stopped.set(Some(exit));
    }

    /// The exit code, if a signal has stopped the run.
    pub fn stopped(&self) -> Option<Exit> {
        self.stopped.get()
    }

    /// Whether the answer was printed.
    pub fn has_answered(&self) -> bool {
        ANSWERED.load(Ordering::Relaxed)
    }

    /// Notes that the first change of the cluster begins.
    pub fn begin_change(&self) {
        BEGAN.store(true, Ordering::Relaxed);
    }

    /// Prints the answer. A closed pipe is not an error.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if stdout cannot be written for another reason, such as a full disk.
    pub fn answer(&self, text: &Redacted) -> Result<(), Unwritable> {
        ANSWERED.store(true, Ordering::Relaxed);
        self.announce(text)
    }

    /// Prints something before the answer.
    ///
    /// # Errors
    ///
    /// As [`Self::answer`].
    pub fn announce(&self, text: &Redacted) -> Result<(), Unwritable> {
        self.live.clear();
        write_to_stdout(text, self.color)
    }

    /// Prints a line to stderr.
    pub fn say(&self, text: &str) {
        self.live.clear();
        write_to_stderr(text, self.color);
    }

    /// Logs a request and its time.
    pub fn trace(&self, text: &str) {
        if self.verbose {
            write_to_stderr(text, false);
        }
    }

    /// Shows on a terminal what the run is waiting for, and for how long, after a short delay.
    pub fn wait_for(&self, what: &str) {
        let what = cleaned(what, false);
        self.update(|list, step| {
            list.wait_for(what, Instant::now());
            *step = None;
        });
    }

    /// Shows a step of a test on a terminal. The list of the steps disappears before the result is printed.
    pub fn show_test_step(&self, event: &StepEvent<'_>) {
        let server = event.server.map(|server| cleaned(server, false));
        let event = StepEvent { server: server.as_deref(), ..*event };
        self.update(|list, _| list.show(&event, Instant::now()));
    }

    /// Shows the current step of a change. The line contains the elapsed time.
    pub fn show_step(&self, line: &str) {
        let line = cleaned(line, false);
        self.update(|_, step| *step = Some(line));
    }

    /// Prints a completed step of a change: above the spinner on a terminal, as a plain line elsewhere.
    pub fn step_done(&self, line: &str) {
        if !self.quiet {
            self.live.above(|| write_to_stderr(line, self.color));
        }
    }

    fn update(&self, change: impl FnOnce(&mut LiveList, &mut Option<String>)) {
        if self.animated {
            let frames = if self.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" } else { "-\\|/" };
            self.live.update(&self.look(false), frames, change);
        }
    }

    /// Asks a yes-or-no question; `None` if questions cannot be asked.
    pub async fn confirm(&self, question: &str) -> Option<bool> {
        let mut prompt = String::new();
        SimpleTheme.format_confirm_prompt(&mut prompt, question, Some(false)).ok()?;
        let answer = self.ask(&prompt).await?;
        Some(["y", "yes"].contains(&answer.to_lowercase().as_str()))
    }

    /// Asks the user to type a word before something that cannot be undone; `None` if questions cannot be asked.
    pub async fn confirm_by_typing(&self, question: &str, word: &str) -> Option<bool> {
        let mut prompt = String::new();
        SimpleTheme.format_input_prompt(&mut prompt, question, None).ok()?;
        let answer = self.ask(&prompt).await?;
        Some(answer == word)
    }

    /// Asks which of these items to take; Enter takes the first. `None` if questions cannot be asked or the answer is none
    /// of them.
    pub async fn select(&self, question: &str, items: &[String]) -> Option<usize> {
        let width = items.len().to_string().len();
        for (number, item) in items.iter().enumerate() {
            self.say(&format!("  {:>width$}  {item}", number + 1));
        }
        let mut prompt = String::new();
        SimpleTheme.format_input_prompt(&mut prompt, &format!("{question} Number, or q to stop"), Some("1")).ok()?;
        let answer = self.ask(&prompt).await?;
        let number = if answer.is_empty() { 1 } else { answer.parse::<usize>().ok()? };
        number.checked_sub(1).filter(|index| *index < items.len())
    }

    /// Asks for a line. A separate thread reads it without changing the terminal mode, so that signals are handled
    /// meanwhile. The library that formats the question would read key by key and change the terminal mode for each key:
    /// it hangs on fast or pasted input.
    async fn ask(&self, prompt: &str) -> Option<String> {
        if !self.interactive {
            return None;
        }
        self.live.clear();
        let mut err = io::stderr();
        write!(err, "{}", cleaned(prompt, false)).and_then(|()| err.flush()).ok()?;
        self.asking.set(true);
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = read.await;
        self.asking.set(false);
        let line = line.ok()?.ok()?;
        if !line.ends_with('\n') {
            // The input ended without Enter.
            let _ = writeln!(err);
        }
        Some(line.trim().to_owned())
    }

    /// Leaves the terminal as it was found.
    pub fn restore(&self) {
        self.live.clear();
        if self.asking.take() {
            let _ = writeln!(io::stderr());
        }
    }
}
