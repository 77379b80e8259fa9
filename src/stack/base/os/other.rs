//! Systems other than Unix: Ctrl-C is the only signal, and there are no groups of processes.

use std::{
    fs::FileType,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::process::{Child, Command};

use super::Stop;

/// Listens to Ctrl-C.
pub(crate) struct Listener(Pin<Box<dyn Future<Output = io::Result<()>> + Send>>);

impl Listener {
    /// One for each signal that ends the run.
    pub(crate) fn all() -> impl Iterator<Item = (Self, Stop)> {
        std::iter::once((Self::ctrl_c(), Stop::Interrupted))
    }

    fn ctrl_c() -> Self {
        Self(Box::pin(tokio::signal::ctrl_c()))
    }

    /// Whether Ctrl-C has come.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.0.as_mut().poll(context) {
            Poll::Ready(Ok(())) => {
                // A second one can come.
                *self = Self::ctrl_c();
                Poll::Ready(())
            }
            Poll::Ready(Err(_)) => {
                // The system does not tell, so none comes.
                self.0 = Box::pin(std::future::pending());
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What a file is that is neither regular, a symbolic link nor a folder.
pub(crate) fn kind_of_file(_: FileType) -> &'static str {
    "a device"
}

/// There are no groups.
pub(crate) fn lead_group(_: &mut Command) {}

/// No group: tokio kills the process itself, and what it started lives on.
pub(crate) struct ProcessGroup;

impl ProcessGroup {
    /// The group of this leader.
    pub(crate) fn of(_: &Child) -> Self {
        Self
    }

    /// Leaves the group alone.
    #[allow(clippy::unused_self)]
    pub(crate) fn release(&mut self) {}
}
