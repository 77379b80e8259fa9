//! Guards: what a rule needs before it can judge. Each one ends the check with `?` where that was not seen or is not there.

use super::Undecided;
use crate::stack::base::seen::Seen;

/// Ends the check as unknown if there is a reason why something was not seen.
pub(crate) fn known_unless(why: Option<String>) -> Result<(), Undecided> {
    why.map_or(Ok(()), |why| Err(Undecided::Unknown(why)))
}

impl<T> Seen<T> {
    /// Ends the check as unknown unless the question was answered.
    pub(crate) fn settled(&self) -> Result<(), Undecided> {
        known_unless(self.why_unsettled())
    }

    /// The value. The check is skipped if there is none, and unknown if it was not seen.
    pub(crate) fn known_or_skip(&self, absent: impl Into<String>) -> Result<&T, Undecided> {
        self.settled()?;
        self.known().ok_or_else(|| Undecided::Skip(absent.into()))
    }

    /// The value. The check is unknown without it.
    pub(crate) fn known_or_unknown(&self) -> Result<&T, Undecided> {
        self.known().ok_or_else(|| Undecided::Unknown(self.why_unsettled().unwrap_or_default()))
    }
}

impl<T> Seen<Vec<T>> {
    /// The first item. The check is skipped if there is none, and unknown if the list was not seen.
    pub(crate) fn first_or_skip(&self, none: impl Into<String>) -> Result<&T, Undecided> {
        self.settled()?;
        self.items().first().ok_or_else(|| Undecided::Skip(none.into()))
    }
}
