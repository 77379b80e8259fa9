//! How much to query.

/// How much to query. Each depth includes everything of the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The watch-list and the resources that the API server serves.
    WatchList,
    /// What decides the states, and the lists that `status` shows.
    Status,
    /// Everything.
    Check,
    /// Everything, and a server-side dry run of every object that an installation would write.
    Preflight,
}

impl Depth {
    /// Whether everything is queried.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Check | Self::Preflight)
    }
}
