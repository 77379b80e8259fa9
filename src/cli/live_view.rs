//! The lines at the end of the screen that are redrawn while the run waits.
//!
//! The lines are drawn here and not by a library, because the terminal prints `^C` where the cursor is. A library that fills
//! the lines up to the right margin is a line off then, and leaves a frame behind. These lines are short enough for it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

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

/// The lines at the end of the screen. A thread redraws them.
#[derive(Clone, Default)]
pub struct LiveView(Arc<Mutex<Shown>>);

#[derive(Default)]
struct Shown {
    list: LiveList,
    /// The current step of a change, which is shown instead of the list.
    step: Option<String>,
    /// The number of the current wait, if there is one.
    wait: Option<u64>,
    /// The number of waits so far.
    waits: u64,
    /// Since when the current wait is drawn.
    since: Option<Instant>,
    /// The number of lines on the screen.
    drawn: usize,
}

impl LiveView {
    /// Changes what is shown during the current wait, or during a new one.
    pub fn update(&self, look: &Look, frames: &'static str, change: impl FnOnce(&mut LiveList, &mut Option<String>)) {
        let mut shown = self.lock();
        let shown = &mut *shown;
        change(&mut shown.list, &mut shown.step);
        if shown.wait.is_none() {
            shown.waits += 1;
            shown.wait = Some(shown.waits);
            let (view, wait, look) = (self.clone(), shown.waits, look.clone());
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                if view.lock().wait == Some(wait) {
                    std::thread::spawn(move || view.redraw(wait, &look, frames));
                }
            });
        }
    }

    /// Draws frame after frame until the wait ends.
    fn redraw(&self, wait: u64, look: &Look, frames: &str) {
        loop {
            let mut shown = self.lock();
            if shown.wait != Some(wait) {
                return;
            }
            let since = *shown.since.get_or_insert_with(Instant::now);
            let frame = frame(since.elapsed(), frames).to_string();
            let lines = shown.lines(Instant::now(), &frame, look, screen());
            let mut text = erased(shown.drawn);
            text.push_str(&lines.join("\n"));
            shown.drawn = lines.len();
            write(&text);
            drop(shown);
            std::thread::sleep(FRAME);
        }
    }

    /// Prints something above the lines. They are drawn again with the next frame.
    pub fn above(&self, print: impl FnOnce()) {
        let mut shown = self.lock();
        shown.erase();
        print();
    }

    /// Ends the wait: removes the lines from the screen.
    pub fn clear(&self) {
        let mut shown = self.lock();
        shown.erase();
        (shown.wait, shown.since) = (None, None);
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn erase(&mut self) {
        write(&erased(std::mem::take(&mut self.drawn)));
    }
}

/// Moves to the first of these lines, and clears each of them.
fn erased(lines: usize) -> String {
    match lines {
        0 => String::new(),
        lines => format!("\r\x1b[2K{}", "\x1b[1A\x1b[2K".repeat(lines - 1)),
    }
}

/// A closed stderr does not stop the run.
fn write(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
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

    #[test]
    fn erasing_moves_up_one_line_less_than_there_are() {
        assert_eq!(erased(0), "");
        assert_eq!(erased(1), "\r\x1b[2K");
        assert_eq!(erased(3), "\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K");
    }
}
