//! The lines at the end of the screen that are redrawn while the run waits.
//!
//! The terminal prints `^C` where the cursor is. At the right margin, that would start another line: the next frame would be a
//! line off, and leave a frame behind. So the lines end before the margin.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::{
    live_list::LiveList,
    render::{Look, fitted},
};

/// How long something may take before it is shown what the run is waiting for.
const DELAY: Duration = Duration::from_millis(250);

/// How long a frame of the spinner is shown.
const FRAME: Duration = Duration::from_millis(100);

/// The columns at the right that stay free: for `^C`, twice.
const MARGIN: usize = 5;

/// The size of a screen that does not tell it.
const SCREEN: (usize, usize) = (80, 24);

/// The lines at the end of the screen.
#[derive(Clone, Default)]
pub struct LiveView {
    shown: Arc<Mutex<Shown>>,
    /// The bar of the current wait. Each wait has its own: a finished bar cannot be shown again. It is never locked together
    /// with what is shown, because a bar reads that when it is drawn.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

#[derive(Default)]
struct Shown {
    list: LiveList,
    /// The current step of a change, which is shown instead of the list.
    step: Option<String>,
}

impl LiveView {
    /// Changes what is shown during the current wait, or during a new one.
    pub fn update(&self, look: &Look, frames: &'static str, change: impl FnOnce(&mut LiveList, &mut Option<String>)) {
        {
            let shown = &mut *locked(&self.shown);
            change(&mut shown.list, &mut shown.step);
        }
        locked(&self.bar).get_or_insert_with(|| self.start(look, frames));
    }

    /// A bar that appears after a delay and draws what is shown at that moment.
    fn start(&self, look: &Look, frames: &'static str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let (shown, look) = (self.shown.clone(), look.clone());
        let lines = move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            let frame = frame(state.elapsed(), frames).to_string();
            let lines = locked(&shown).lines(Instant::now(), &frame, &look, screen());
            let _ = text.write_str(&lines.join("\n"));
        };
        if let Ok(style) = ProgressStyle::with_template("{lines}") {
            bar.set_style(style.with_key("lines", lines));
        }
        let delayed = bar.clone();
        tokio::spawn(async move {
            tokio::time::sleep(DELAY).await;
            if !delayed.is_finished() {
                let lines = Lines { terminal: Term::stderr(), ended: AtomicBool::new(false) };
                delayed.set_draw_target(ProgressDrawTarget::term_like(Box::new(lines)));
                delayed.enable_steady_tick(FRAME);
            }
        });
        bar
    }

    /// Prints something above the lines.
    pub fn above(&self, print: impl FnOnce()) {
        match &*locked(&self.bar) {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Ends the wait: removes the lines from the screen.
    pub fn clear(&self) {
        let bar = locked(&self.bar).take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal for a progress bar. The bar fills each line up to the right margin, where the terminal starts the next one.
/// Here a line ends after its text instead, and the next one starts with a newline.
#[derive(Debug)]
struct Lines {
    terminal: Term,
    /// Whether a line has ended.
    ended: AtomicBool,
}

impl Lines {
    /// The terminal, after the cursor was moved away from the end of a line.
    fn moved(&self) -> &Term {
        self.ended.store(false, Ordering::Relaxed);
        &self.terminal
    }
}

impl TermLike for Lines {
    fn width(&self) -> u16 {
        let (width, _) = screen();
        u16::try_from(width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        let (_, height) = screen();
        u16::try_from(height).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved().move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved().move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved().move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved().move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.moved().write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text == "\r" {
            return self.moved().write_str(text);
        }
        if text.bytes().all(|byte| byte == b' ') {
            self.ended.store(true, Ordering::Relaxed);
            return self.terminal.write_str("\x1b[K");
        }
        if self.ended.swap(false, Ordering::Relaxed) {
            self.terminal.write_line("")?;
        }
        self.terminal.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.moved().clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.terminal.flush()
    }
}

impl Shown {
    /// The lines at this moment. No line fills the screen's width, and no more lines than it has are drawn.
    fn lines(&self, now: Instant, frame: &str, look: &Look, (width, height): (usize, usize)) -> Vec<String> {
        let room = width.saturating_sub(MARGIN);
        let mut lines = match &self.step {
            Some(step) => vec![format!("{frame} {}", fitted(step, room.saturating_sub(2), look))],
            None => self.list.lines(now, frame, look, room),
        };
        lines.split_off(lines.len().saturating_sub(height.saturating_sub(1)))
    }
}

fn screen() -> (usize, usize) {
    terminal_size::terminal_size_of(io::stderr())
        .map_or(SCREEN, |(width, height)| (usize::from(width.0), usize::from(height.0)))
}

/// The frame of a spinner that is shown after this time.
fn frame(elapsed: Duration, frames: &str) -> char {
    let index = usize::try_from(elapsed.as_millis() / FRAME.as_millis()).unwrap_or_default();
    frames.chars().nth(index % frames.chars().count().max(1)).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::TestStep,
        observe::progress::{StepEvent, StepStage},
    };

    #[test]
    fn spinner_turns_with_time() {
        let shown: String =
            [0, 100, 250, 300, 400].map(|millis| frame(Duration::from_millis(millis), "abcd")).into_iter().collect();
        assert_eq!(shown, "abcda");
    }

    #[test]
    fn lines_fit_on_the_screen_with_room_for_ctrl_c() {
        let now = Instant::now();
        let mut shown = Shown { step: Some("x".repeat(200)), ..Shown::default() };
        let lines = shown.lines(now, "|", &Look::plain(), (80, 24));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].chars().count(), 75, "{lines:?}");
        shown.step = None;
        for server in 0..30 {
            let stage = StepStage::Begun { round: None, limit: None };
            let name = format!("meshery-nats-{server}");
            shown.list.show(&StepEvent { step: TestStep::Reach, server: Some(&name), stage }, now);
        }
        let lines = shown.lines(now, "|", &Look::plain(), (80, 24));
        assert_eq!(lines.len(), 23);
        assert_eq!(lines[22], "| server reached (meshery-nats-29)");
    }
}
