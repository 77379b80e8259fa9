//! Clean-up for a run that is interrupted.

use std::{cell::RefCell, collections::BTreeMap, future::Future, pin::Pin, time::Duration};

/// The timeout for the clean-up.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A clean-up task. It runs when the rest of the run has stopped.
type Undo = Pin<Box<dyn Future<Output = ()>>>;

/// The registered clean-up tasks, by name.
#[derive(Default)]
pub struct Cleanup {
    todo: RefCell<BTreeMap<String, Undo>>,
}

impl Cleanup {
    /// Registers a clean-up task. This must happen before the action itself, because the run may be interrupted in
    /// between.
    pub fn register(&self, name: &str, undo: impl Future<Output = ()> + 'static) {
        self.todo.borrow_mut().insert(name.into(), Box::pin(undo));
    }

    /// Removes a task that is no longer needed.
    pub fn settle(&self, name: &str) {
        self.todo.borrow_mut().remove(name);
    }

    /// The names of the remaining tasks.
    pub fn names(&self) -> Vec<String> {
        self.todo.borrow().keys().cloned().collect()
    }

    /// Runs all remaining tasks.
    pub async fn run(&self) {
        let todo = std::mem::take(&mut *self.todo.borrow_mut());
        let all = futures_util::future::join_all(todo.into_values());
        // A user who interrupts a run does not want to wait long. Objects that remain have an expiry date.
        let _ = tokio::time::timeout(RESPONSE_TIMEOUT, all).await;
    }
}
