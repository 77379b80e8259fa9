//! The signals that end the run.

use super::exit::Exit;
use crate::stack::base::os::{Listener, Stop};

/// The signals that stop the run. The listeners exist during the whole run, so that no signal is lost between two waits.
pub(crate) struct Signals(Vec<(Listener, Exit)>);

impl Default for Signals {
    fn default() -> Self {
        let exit = |stop| match stop {
            Stop::HungUp => Exit::HungUp,
            Stop::Interrupted => Exit::Interrupted,
            Stop::Quit => Exit::Quit,
            Stop::Terminated => Exit::Terminated,
        };
        let all = Listener::all();
        Self(all.map(|(listener, stop)| (listener, exit(stop))).collect())
    }
}

impl Signals {
    /// Waits for the next signal.
    pub(crate) async fn stopped(&mut self) -> Exit {
        std::future::poll_fn(|context| {
            for (listener, exit) in &mut self.0 {
                if listener.poll(context).is_ready() {
                    return std::task::Poll::Ready(*exit);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
