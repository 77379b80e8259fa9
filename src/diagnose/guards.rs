//! Guards: what a rule needs before it can judge. Each one ends the check with `?` where that was not seen or is not there.

use k8s_openapi::api::apps::v1::Deployment;

use super::{Undecided, stack_view::StackView};
use crate::{
    facts::{Broker, Meshsync},
    stack::base::{permission::Permission, seen::Seen},
};

/// Ends the check as unknown if there is a reason why something was not seen.
pub(crate) fn known_unless(why: Option<String>) -> Result<(), Undecided> {
    why.map_or(Ok(()), |why| Err(Undecided::Unknown(why)))
}

impl<T> Seen<T> {
    /// The rights whose lack kept us from looking.
    pub(super) fn missing_permissions(&self) -> &[Permission] {
        match self {
            Self::Denied(denial) => &denial.missing,
            _ => &[],
        }
    }

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

impl<'a> StackView<'a> {
    /// The Broker object. Without one the check is skipped, and unknown if the list was not seen.
    pub(crate) fn broker_object(&self) -> Result<&Broker, Undecided> {
        self.brokers.first_or_skip("there is no Broker object")
    }

    /// The `MeshSync` object. Without one the check is skipped, and unknown if the list was not seen.
    pub(crate) fn meshsync_object(&self) -> Result<&Meshsync, Undecided> {
        self.meshsyncs.first_or_skip("there is no MeshSync object")
    }

    /// The Deployment of `MeshSync`. Without one the check is skipped, and unknown if it was not seen.
    pub(crate) fn meshsync_deployment(&self) -> Result<&'a Deployment, Undecided> {
        self.meshsync.known_or_skip("MeshSync has no Deployment").copied()
    }
}

impl<T> Seen<Vec<T>> {
    /// The first item. The check is skipped if there is none, and unknown if the list was not seen.
    pub(crate) fn first_or_skip(&self, none: impl Into<String>) -> Result<&T, Undecided> {
        self.settled()?;
        self.items().first().ok_or_else(|| Undecided::Skip(none.into()))
    }
}
