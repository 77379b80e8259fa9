//! Unix.

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

/// Listens to one signal.
pub(crate) struct Listener(Signal);

impl Listener {
    /// One for each signal that ends the run.
    pub(crate) fn all() -> impl Iterator<Item = (Self, Stop)> {
        let all = [
            (SignalKind::hangup(), Stop::HungUp),
            (SignalKind::interrupt(), Stop::Interrupted),
            (SignalKind::quit(), Stop::Quit),
            (SignalKind::terminate(), Stop::Terminated),
        ];
        all.into_iter()
            // Under nohup the run goes on when the terminal is closed.
            .filter(|(_, stop)| *stop != Stop::HungUp || !ignores_hangups())
            .filter_map(|(kind, stop)| Some((Self(signal(kind).ok()?), stop)))
    }

    /// Whether the signal has come.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_recv(context).map(drop)
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

/// What a file is that is neither regular, a symbolic link nor a folder.
pub(crate) fn kind_of_file(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Has a command lead a group of processes, with which all that it starts can be ended.
pub(crate) fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// The group that a process leads, killed on drop.
pub(crate) struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// The group of this leader.
    pub(crate) fn of(leader: &Child) -> Self {
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Leaves the group alone.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // A group that has ended by itself is well.
            let _ = kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
