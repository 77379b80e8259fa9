//! This `MeshSync` has a known defect that shows here.

use semver::Version;

use crate::{
    diagnose::rules::prelude::*,
    facts::destination::{self, ADDRESS},
    stack::watch_list,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-version-bug",
    title: "This MeshSync has a known defect that shows here",
    explains: &[
        "meshsync-not-connected",
        "meshsync-not-ready",
        "meshsync-silent",
        "flow-nothing-seen",
        "flow-store-incomplete",
    ],
    explanation: include_str!("version_bug.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

/// The first version that can take an address with a scheme apart, and that ends itself when it finds no broker.
pub(crate) const READS_SCHEMES: Version = Version::new(1, 0, 1);

/// The address that the Deployment of a version below [`READS_SCHEMES`] was given, if it has a scheme.
pub(crate) fn unreadable_address<'a>(context: &RuleContext<'a>) -> Option<&'a str> {
    let tag = context.states().meshsync.report.version.as_deref()?;
    let release = watch_list::release(tag)?;
    let deployment = context.meshsync.known().copied()?;
    let address = destination::variable(rollout::containers(deployment), ADDRESS)?;
    (release < READS_SCHEMES && address.contains("://")).then_some(address)
}
