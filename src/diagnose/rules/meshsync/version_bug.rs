use semver::Version;

use crate::{
    diagnose::rules::{
        meshsync::watch_list::{named, set_whitelist},
        prelude::*,
    },
    facts::{
        Meshsync,
        destination::{self, ADDRESS},
    },
    stack::watch_list::{self, Entry, stock_without},
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

/// This version cannot read the address that it is given.
pub(crate) fn scheme_unreadable(
    context: &RuleContext<'_>,
    name: &str,
    tag: &str,
    address: &str,
    clear_version: Option<Command>,
) -> Finding {
    DIAGNOSIS.finding()
        .title(format!("MeshSync {tag} cannot read an address with nats://"))
        .message("It tests the connection for ever and never connects; only its debug log says so. MeshSync 1.0.1 and later can.")
        .object(context.object("Deployment", name))
        .evidence(format!("the image of Deployment {name} has the tag {tag}"))
        .evidence(format!("{ADDRESS} is {address}"))
        .remedy("clear the version in the object, so that the operator takes the one it was built for")
        .commands(clear_version)
        .done()
}

/// A blacklist stops this version from publishing anything.
pub(crate) fn blacklist(context: &RuleContext<'_>, meshsync: &Meshsync, entries: &[Entry], silence: &str) -> Finding {
    let without: Vec<String> = entries.iter().map(|entry| entry.resource.clone()).collect();
    let draft = DIAGNOSIS
        .finding()
        .title("No MeshSync up to 1.0.3 publishes anything with a blacklist")
        .message(format!("{} is connected and publishes nothing: {silence}.", named(context)))
        .evidence(format!("spec.watch-list.data.blacklist names {}", without.join(", ")))
        .remedy("use a whitelist of what is left, then restart MeshSync, which reads it only when it starts");
    let left = stock_without(&without, context.facts.profile);
    set_whitelist(draft, context, meshsync, &left)
}
