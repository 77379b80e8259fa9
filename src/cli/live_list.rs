//! The steps of a running test, as a list that is redrawn: finished ones with their result, current ones with a spinner.

use std::time::Instant;

use owo_colors::OwoColorize;

use super::render::{Look, fitted, spent};
use crate::{
    facts::TestStep,
    observe::progress::{StepEvent, StepStage},
    stack::base::words,
};

/// The steps so far, and what else the run waits for.
#[derive(Debug, Default)]
pub struct LiveList {
    lines: Vec<Line>,
    /// What the run waits for if no step is running, and since when.
    waiting: Option<(String, Instant)>,
}

#[derive(Debug)]
struct Line {
    step: TestStep,
    server: Option<String>,
    stage: StepStage,
    since: Instant,
}

impl LiveList {
    /// The run waits for something that is not a step of a test.
    pub fn wait_for(&mut self, what: String, now: Instant) {
        self.waiting = Some((what, now));
    }

    /// A step begins or ends. A step that is repeated keeps its line and its time.
    pub fn show(&mut self, event: &StepEvent<'_>, now: Instant) {
        let line = self.lines.iter_mut().find(|line| line.step == event.step && line.server.as_deref() == event.server);
        let Some(line) = line else {
            self.lines.push(Line {
                step: event.step,
                server: event.server.map(str::to_owned),
                stage: event.stage,
                since: now,
            });
            return;
        };
        if matches!(line.stage, StepStage::Ended { .. }) {
            line.since = now;
        }
        line.stage = event.stage;
    }

    /// The lines at this moment, at most `room` columns wide. `frame` is the current frame of the spinner.
    pub fn lines(&self, now: Instant, frame: &str, look: &Look, room: usize) -> Vec<String> {
        let mut lines: Vec<String> = self.lines.iter().map(|line| line.text(now, frame, look, room)).collect();
        let running = self.lines.iter().any(|line| matches!(line.stage, StepStage::Begun { .. }));
        if let Some((what, since)) = self.waiting.as_ref().filter(|_| !running) {
            let line = format!("{frame} {what}{}", spent(now.duration_since(*since), None));
            lines.push(fitted(&line, room, look));
        }
        lines
    }
}

impl Line {
    fn text(&self, now: Instant, frame: &str, look: &Look, room: usize) -> String {
        let mut title = self.step.title().to_owned();
        if let Some(server) = &self.server {
            title.push_str(&format!(" ({server})"));
        }
        match self.stage {
            StepStage::Begun { round, limit } => {
                let round = round.map(|(number, count)| format!(": {number} of {count}")).unwrap_or_default();
                let line = format!("{frame} {title}{round}{}", spent(now.duration_since(self.since), limit));
                fitted(&line, room, look)
            }
            StepStage::Ended { status, micros } => {
                let (glyph, style) = look.status(status);
                let took = micros.map(|micros| format!(": {}", words::short_span(micros))).unwrap_or_default();
                format!("{} {}", glyph.style(style), fitted(&format!("{title}{took}"), room.saturating_sub(2), look))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Status;

    fn begun(step: TestStep, round: Option<(u32, u32)>, limit: Option<Duration>) -> StepEvent<'static> {
        StepEvent { step, server: None, stage: StepStage::Begun { round, limit } }
    }

    fn ended(step: TestStep, status: Status, micros: Option<u64>) -> StepEvent<'static> {
        StepEvent { step, server: None, stage: StepStage::Ended { status, micros } }
    }

    fn after(list: &LiveList, start: Instant, seconds: u64) -> Vec<String> {
        list.lines(start + Duration::from_secs(seconds), "|", &Look::plain(), 75)
    }

    #[test]
    fn finished_steps_have_their_result_and_the_current_one_its_time() {
        let now = Instant::now();
        let mut list = LiveList::default();
        list.wait_for("querying the API server".into(), now);
        assert_eq!(after(&list, now, 0), ["| querying the API server"]);
        assert_eq!(after(&list, now, 2), ["| querying the API server (2 s)"]);
        list.show(&begun(TestStep::RoundTrip, None, None), now);
        list.show(&ended(TestStep::RoundTrip, Status::Pass, Some(312)), now);
        list.show(&begun(TestStep::Added, None, Some(Duration::from_secs(5))), now);
        assert_eq!(
            after(&list, now, 3),
            ["✓ broker round trip: 0.31 ms", "| ADDED received from the broker (3 s of 5s)"]
        );
        list.show(&ended(TestStep::Added, Status::Fail, None), now);
        assert_eq!(after(&list, now, 5)[1], "✗ ADDED received from the broker");
    }

    #[test]
    fn long_line_is_cut() {
        let now = Instant::now();
        let mut list = LiveList::default();
        list.show(&ended(TestStep::Meta, Status::Pass, Some(1000)), now);
        assert_eq!(list.lines(now, "|", &Look::plain(), 20), ["✓ MeshSync responds…"]);
    }

    #[test]
    fn repeated_step_keeps_its_line_and_its_time() {
        let now = Instant::now();
        let mut list = LiveList::default();
        list.show(&begun(TestStep::Request, Some((1, 10)), None), now);
        list.show(&begun(TestStep::Request, Some((2, 10)), None), now + Duration::from_secs(4));
        assert_eq!(after(&list, now, 6), ["| small request: 2 of 10 (6 s)"]);
    }

    #[test]
    fn steps_of_several_servers_are_told_apart() {
        let now = Instant::now();
        let mut list = LiveList::default();
        for server in ["meshery-nats-0", "meshery-nats-1"] {
            list.show(&StepEvent { server: Some(server), ..ended(TestStep::Reach, Status::Pass, None) }, now);
        }
        assert_eq!(after(&list, now, 0), ["✓ server reached (meshery-nats-0)", "✓ server reached (meshery-nats-1)"]);
    }
}
