//! Reports the steps of a test while it runs.

use std::time::Duration;

use crate::{
    facts::{BrokerServer, Step, TestStep},
    report::Status,
    stack::base::seen::Seen,
};

/// What happens to a step of a test.
#[derive(Clone, Copy, Debug)]
pub struct StepEvent<'a> {
    /// The step.
    pub step: TestStep,
    /// The broker server, if the step is about one.
    pub server: Option<&'a str>,
    /// How far it is.
    pub stage: StepStage,
}

/// How far a step of a test is.
#[derive(Clone, Copy, Debug)]
pub enum StepStage {
    /// It waits for its result.
    Begun {
        /// Its number and the number of repetitions, if it is repeated.
        round: Option<(u32, u32)>,
        /// How long it waits at most.
        limit: Option<Duration>,
    },
    /// It has a result.
    Ended {
        /// The result.
        status: Status,
        /// How long it took, in microseconds.
        micros: Option<u64>,
    },
}

/// Receives the steps of a test.
#[derive(Clone, Copy)]
pub struct Steps<'a>(pub &'a dyn Fn(&StepEvent<'_>));

impl Steps<'_> {
    /// A step begins, and waits this long at most.
    pub(crate) fn begin(self, step: TestStep, limit: Option<Duration>) {
        (self.0)(&StepEvent { step, server: None, stage: StepStage::Begun { round: None, limit } });
    }

    /// One repetition of a step begins.
    pub(crate) fn repeat(self, step: TestStep, server: Option<&str>, number: u32, count: u32) {
        let round = (count > 1).then_some((number, count));
        (self.0)(&StepEvent { step, server, stage: StepStage::Begun { round, limit: None } });
    }

    /// A step has this result.
    pub(crate) fn end(self, step: TestStep, server: Option<&str>, status: Status, micros: Option<u64>) {
        (self.0)(&StepEvent { step, server, stage: StepStage::Ended { status, micros } });
    }

    /// A step that is tried once has ended.
    pub(crate) fn ended(self, step: TestStep, result: &Step) {
        let micros = match result.micros {
            Seen::Known(micros) => Some(micros),
            _ => None,
        };
        self.end(step, None, step.status(result), micros);
    }
}

/// The name of a broker server: that of its pod, or its address.
pub(crate) fn name_of(server: &BrokerServer) -> Option<&str> {
    server.pod.as_deref().or(server.address.as_deref())
}
