//! Unix implementation.

use std::{
    fs::FileType,
    os::unix::fs::FileTypeExt as _,
    task::{Context, Poll},
};

use rustix::process::{Pid, kill_process_group};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
};

use super::Stop;

/// Listens for one signal.
pub(crate) struct Listener(Signal);

impl Listener {
    /// One listener for each signal that ends the run.
    pub(crate) fn all() -> impl Iterator<Item = (Self, Stop)> {
        let all = [
            (SignalKind::hangup(), Stop::HungUp),
            (SignalKind::interrupt(), Stop::Interrupted),
            (SignalKind::quit(), Stop::Quit),
            (SignalKind::terminate(), Stop::Terminated),
        ];
        all.into_iter()
            // Under nohup the run continues after the terminal is closed.
            .filter(|(_, stop)| *stop != Stop::HungUp || !ignores_hangups())
            .filter_map(|(kind, stop)| Some((Self(signal(kind).ok()?), stop)))
    }

    /// Whether the signal was received.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_recv(context).map(drop)
    }
}

/// Whether the parent process set SIGHUP to be ignored, if the system can tell.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, which is the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// The type of a file that is not a regular file, symbolic link or folder.
pub(crate) fn kind_of_file(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Makes a command the leader of a process group, so that its child processes can be killed with it.
pub(crate) fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// The process group of a leader. It is killed on drop.
pub(crate) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// The process group of this leader.
    pub(crate) fn of(leader: &Child) -> Self {
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Releases the group without killing it.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // The group may have ended already, which is not an error.
            let _ = kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
