//! The signals that end the run.

use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;

/// The signals that stop the run. They are listened to once and for all, so that none is lost between two waits.
pub(crate) struct Signals(Vec<(Signal, Exit)>);

impl Default for Signals {
    fn default() -> Self {
        let all = [
            (SignalKind::hangup(), Exit::HungUp),
            (SignalKind::interrupt(), Exit::Interrupted),
            (SignalKind::quit(), Exit::Quit),
            (SignalKind::terminate(), Exit::Terminated),
        ];
        let heard = all
            .into_iter()
            // Under nohup the run goes on when the terminal is closed.
            .filter(|(_, exit)| *exit != Exit::HungUp || !ignores_hangups())
            .filter_map(|(kind, exit)| Some((signal(kind).ok()?, exit)));
        Self(heard.collect())
    }
}

/// Whether whoever started this process has it ignore SIGHUP, as far as the system tells.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, which the lowest bit stands for.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

impl Signals {
    /// Waits for the next.
    pub(crate) async fn stopped(&mut self) -> Exit {
        std::future::poll_fn(|context| {
            for (signal, exit) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*exit);
                }
            }
            Poll::Pending
        })
        .await
    }
}
