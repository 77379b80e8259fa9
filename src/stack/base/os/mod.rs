//! Differences between operating systems: signals, file types, process groups.
//!
//! All APIs that only Unix has are in `unix.rs`. `other.rs` has the same items for other systems. Only Linux on
//! `x86_64` is tested. `other.rs` is also compiled for tests on Unix, so that its types stay correct.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Listener, ProcessGroup, kind_of_file, lead_group};

#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code))]
mod other;
#[cfg(not(unix))]
pub(crate) use other::{Listener, ProcessGroup, kind_of_file, lead_group};

/// A signal that ends the process.
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
