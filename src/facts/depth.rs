//! How much to ask.

/// How much to ask; each depth asks what the one before asks, and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The watch-list, and what the API server serves.
    WatchList,
    /// What decides the states, and the lists that a status shows.
    Status,
    /// Everything.
    Check,
    /// Everything, and what the API server says of what an installation would write.
    Preflight,
}

impl Depth {
    /// Whether everything is asked.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Check | Self::Preflight)
    }
}
