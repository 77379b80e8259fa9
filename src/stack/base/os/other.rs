//! Systems other than Unix: Ctrl-C is the only signal, and there are no process groups.

use std::{
    fs::FileType,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::process::{Child, Command};

use super::Stop;

/// Listens for Ctrl-C.
pub(crate) struct Listener(Pin<Box<dyn Future<Output = io::Result<()>> + Send>>);

impl Listener {
    /// One listener for each signal that ends the run.
    pub(crate) fn all() -> impl Iterator<Item = (Self, Stop)> {
        std::iter::once((Self::ctrl_c(), Stop::Interrupted))
    }

    fn ctrl_c() -> Self {
        Self(Box::pin(tokio::signal::ctrl_c()))
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.0.as_mut().poll(context) {
            Poll::Ready(Ok(())) => {
                // It may be pressed again.
                *self = Self::ctrl_c();
                Poll::Ready(())
            }
            Poll::Ready(Err(_)) => {
                // The system does not report it, so no signal ever arrives.
                self.0 = Box::pin(std::future::pending());
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The type of a file that is not a regular file, symbolic link or folder.
pub(crate) fn kind_of_file(_: FileType) -> &'static str {
    "a device"
}

/// There are no process groups.
pub(crate) fn lead_group(_: &mut Command) {}

/// Does nothing: tokio kills the process itself, and its child processes keep running.
pub(crate) struct ProcessGroup;

impl ProcessGroup {
    /// The process group of this leader.
    pub(crate) fn of(_: &Child) -> Self {
        Self
    }

    /// Releases the group without killing it.
    #[allow(clippy::unused_self)]
    pub(crate) fn release(&mut self) {}
}
