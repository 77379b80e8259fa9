//! What differs between operating systems: signals, kinds of files, groups of processes.
//!
//! All API that only Unix has is in `unix.rs`; `other.rs` is its twin with the same items. Only Linux on `x86_64` is
//! tested. The twin is compiled for tests on Unix as well, so that it keeps its types.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Listener, ProcessGroup, kind_of_file, lead_group};

#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{Listener, ProcessGroup, kind_of_file, lead_group};

/// What tells a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))]
pub(crate) enum Stop {
    /// The terminal was closed: SIGHUP.
    HungUp,
    /// Ctrl-C: SIGINT.
    Interrupted,
    /// Ctrl-\: SIGQUIT.
    Quit,
    /// SIGTERM.
    Terminated,
}
