//! Guards: what a rule needs before it can judge. Each one ends the check with `?` if that is unknown or absent.

use k8s_openapi::api::apps::v1::Deployment;

use super::{Undecided, stack_view::StackView};
use crate::{
    facts::{Broker, Meshsync},
    stack::base::{permission::Permission, seen::Seen},
};

/// Ends the check as unknown if a reason is given.
pub(crate) fn known_unless(why: Option<String>) -> Result<(), Undecided> {
    why.map_or(Ok(()), |why| Err(Undecided::Unknown(why)))
}

impl<T> Seen<T> {
    /// The permissions whose absence caused the denial.
    pub(super) fn missing_permissions(&self) -> &[Permission] {
        match self {
            Self::Denied(denial) => &denial.missing,
            _ => &[],
        }
    }

    /// Ends the check as unknown unless the value is known or absent.
    pub(crate) fn settled(&self) -> Result<(), Undecided> {
        known_unless(self.why_unsettled())
    }

    /// The value. Without it, the check is skipped if it is absent, and otherwise unknown.
    pub(crate) fn known_or_skip(&self, absent: impl Into<String>) -> Result<&T, Undecided> {
        self.settled()?;
        self.known().ok_or_else(|| Undecided::Skip(absent.into()))
    }

    /// The value. Without it, the check is unknown.
    pub(crate) fn known_or_unknown(&self) -> Result<&T, Undecided> {
        self.known().ok_or_else(|| Undecided::Unknown(self.why_unsettled().unwrap_or_default()))
    }
}

impl<'a> StackView<'a> {
    /// The Broker CR. Without it, the check is skipped, or unknown if the list is unknown.
    pub(crate) fn broker_object(&self) -> Result<&Broker, Undecided> {
        self.brokers.first_or_skip("there is no Broker CR")
    }

    /// The MeshSync CR. Without it, the check is skipped, or unknown if the list is unknown.
    pub(crate) fn meshsync_object(&self) -> Result<&Meshsync, Undecided> {
        self.meshsyncs.first_or_skip("there is no MeshSync CR")
    }

    /// The Deployment of `MeshSync`. Without it, the check is skipped, or unknown if it could not be read.
    pub(crate) fn meshsync_deployment(&self) -> Result<&'a Deployment, Undecided> {
        self.meshsync.known_or_skip("MeshSync has no Deployment").copied()
    }
}

impl<T> Seen<Vec<T>> {
    /// The first item. Without it, the check is skipped, or unknown if the list is unknown.
    pub(crate) fn first_or_skip(&self, none: impl Into<String>) -> Result<&T, Undecided> {
        self.settled()?;
        self.items().first().ok_or_else(|| Undecided::Skip(none.into()))
    }
}
