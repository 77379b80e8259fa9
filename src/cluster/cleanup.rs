//! What must be undone when a run is stopped half-way.

use std::{cell::RefCell, collections::BTreeMap, future::Future, pin::Pin, time::Duration};

/// The longest that undoing may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What undoes one thing. It runs when nothing else of the run does any more.
type Undo = Pin<Box<dyn Future<Output = ()>>>;

/// What is to be undone, by name.
#[derive(Default)]
pub struct Cleanup {
    todo: RefCell<BTreeMap<String, Undo>>,
}

impl Cleanup {
    /// From now on this is to be undone; said before the thing is done, since a stop may come in between.
    pub fn owe(&self, name: &str, undo: impl Future<Output = ()> + 'static) {
        self.todo.borrow_mut().insert(name.into(), Box::pin(undo));
    }

    /// This is undone already.
    pub fn settle(&self, name: &str) {
        self.todo.borrow_mut().remove(name);
    }

    /// The names of what is still to be undone.
    pub fn names(&self) -> Vec<String> {
        self.todo.borrow().keys().cloned().collect()
    }

    /// Undoes all that is left.
    pub async fn run(&self) {
        let todo = std::mem::take(&mut *self.todo.borrow_mut());
        let all = futures_util::future::join_all(todo.into_values());
        // Whoever stops a run does not want to wait for long; what is left carries its date of expiry.
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }
}
