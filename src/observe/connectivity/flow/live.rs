//! Reports the steps of the event flow test while it runs.

use std::time::Duration;

use super::{Flow, Sent, arrivals, micros};
use crate::{facts::TestStep, report::Status};

impl Flow<'_> {
    /// The expected events that have not arrived yet. Each is shown as a step that waits this long at most.
    pub(super) fn show_expected(&self, limit: Duration) -> Vec<usize> {
        let missing: Vec<usize> = (0..self.sent.len())
            .filter(|index| self.sent[*index].expected && self.time_to_arrival(&self.sent[*index]).is_none())
            .collect();
        for index in &missing {
            let sent = &self.sent[*index];
            // Later objects repeat the same steps.
            if sent.round == 1 {
                self.context.steps.begin(TestStep::of_event(sent.event), Some(limit));
            }
        }
        missing
    }

    /// Shows which of these events have arrived.
    pub(super) fn show_arrived(&self, expected: &[usize]) {
        for index in expected {
            let sent = &self.sent[*index];
            let took = self.time_to_arrival(sent);
            let status = if took.is_some() { Status::Pass } else { Status::Fail };
            self.context.steps.end(TestStep::of_event(sent.event), None, status, took);
        }
    }

    /// Shows the result of the latest change.
    pub(super) fn show_acknowledged(&self) {
        let Some(sent) = self.sent.last() else { return };
        let took = sent.acknowledged.map(|at| micros(at.duration_since(sent.at)));
        let status = if took.is_some() { Status::Pass } else { Status::Unknown };
        self.context.steps.end(TestStep::Acknowledged, None, status, took);
    }

    fn time_to_arrival(&self, sent: &Sent) -> Option<u64> {
        let first = arrivals(&self.listener.arrivals, sent, &self.run).next()?;
        Some(micros(first.at.duration_since(sent.at)))
    }
}
