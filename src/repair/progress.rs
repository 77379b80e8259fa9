//! How far a plan is while it is applied, and why a step fails.

use std::time::Duration;

use tokio::time::Instant;

use super::plan::{Advice, Step};
use crate::stack::{
    base::{failure::Failure, seen::Denial},
    object::Id,
};

/// How long a wait may show the same line before it says that there is no progress.
const STALLED: Duration = Duration::from_secs(10);

/// What happens to a step of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The step.
    pub step: &'a Step,
    /// Its number, from 1.
    pub number: usize,
    /// The number of steps in the plan.
    pub total: usize,
    /// How far the step is.
    pub stage: Stage<'a>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// It begins.
    Begun,
    /// It waits.
    Waiting {
        /// What is still missing.
        lacks: &'a str,
        /// How long it has waited.
        elapsed: Duration,
        /// How long it may wait.
        limit: Duration,
    },
    /// It is done.
    Done,
}

/// Since when a wait has made no progress.
#[derive(Debug, Default)]
pub struct Progress {
    last: String,
    since: Option<Instant>,
}

impl Progress {
    /// For how long this has been missing, if it is long enough to mention it.
    pub fn stalled(&mut self, lacks: &str) -> Option<Duration> {
        let now = Instant::now();
        if self.last != lacks {
            lacks.clone_into(&mut self.last);
            self.since = Some(now);
        }
        let still = self.since.map_or(Duration::ZERO, |since| now - since);
        (still >= STALLED).then_some(still)
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A value in it was redacted.
    #[error("{0}")]
    Redacted(String),
    /// There is no such object or kind.
    #[error("the API server does not know this object or kind")]
    NotFound,
    /// The API server refused the change, for this reason.
    #[error("{0}")]
    Refused(String),
    /// A permission is missing.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// There was no usable answer.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Another object has the name of the one to delete.
    #[error("{0} was replaced by another object of the same name meanwhile")]
    Replaced(Id),
    /// Finalizers are removed only from an object that is being deleted.
    #[error("{0} is not being deleted, so its finalizers are kept")]
    NotTerminating(Id),
    /// A wait took too long.
    #[error("timed out after {seconds} s: {lacks}")]
    TimedOut {
        /// The timeout in seconds.
        seconds: u64,
        /// What is still missing.
        lacks: String,
    },
    /// Meshery Server did not do it, as a clause.
    #[error("{0}")]
    Server(String),
    /// The same, and what to do about it.
    #[error("{0}")]
    Advised(String, Advice),
}
