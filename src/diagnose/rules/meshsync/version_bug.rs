use crate::{
    diagnose::rules::{
        meshsync::watch_list::{corrected, named, set_whitelist},
        prelude::*,
    },
    facts::{
        Meshsync,
        destination::{self, ADDRESS},
    },
    stack::watch_list::{Entry, published_by_default, stock_without},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "meshsync-version-bug",
    title: "This MeshSync version has a known defect that occurs here",
    explains: &[
        "meshsync-not-connected",
        "meshsync-not-ready",
        "meshsync-silent",
        "flow-nothing-seen",
        "flow-store-incomplete",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("version_bug.md"),
    cure: Cure::Except("where only another release fixes it"),
    ..Diagnosis::fault(Component::Meshsync)
};

/// The Deployment's address if this version cannot parse it.
pub(crate) fn unreadable_address<'a>(context: &RuleContext<'a>) -> Option<&'a str> {
    let tag = context.states().meshsync.report.version.as_deref();
    let deployment = context.meshsync.known().copied()?;
    let address = destination::variable(rollout::containers(deployment), ADDRESS)?;
    (!destination::is_readable(context.facts.profile, tag, address)).then_some(address)
}

/// This version cannot parse its address.
pub(crate) fn scheme_unreadable(
    context: &RuleContext<'_>,
    name: &str,
    tag: &str,
    address: &str,
    clear_version: Option<Command>,
) -> Finding {
    DIAGNOSIS
        .finding()
        .title(format!("MeshSync {tag} cannot parse an address with nats://"))
        .message(
            "It tests the connection forever and never connects; only its debug log shows this. MeshSync 1.0.1 and \
             later can parse it.",
        )
        .object(context.object("Deployment", name))
        .evidence(format!("the image of Deployment {name} has the tag {tag}"))
        .evidence(format!("{ADDRESS} is {address}"))
        .remedy("clear the version in the CR, so that the operator uses the one it was built for")
        .commands(clear_version)
        .done()
}

/// With a blacklist, this version publishes nothing.
pub(crate) fn blacklist(context: &RuleContext<'_>, meshsync: &Meshsync, entries: &[Entry], silence: &str) -> Finding {
    let without: Vec<String> = entries.iter().map(|entry| entry.resource.clone()).collect();
    let draft = DIAGNOSIS
        .finding()
        .title(if context.facts.profile.has_current_line() {
            "MeshSync up to 1.0.3 publishes nothing with a blacklist"
        } else {
            "MeshSync publishes no built-in kind with a blacklist"
        })
        .message(format!(
            "{} starts from its built-in list. It is connected but publishes {}, because {silence}.",
            named(context),
            published_by_default(context.facts.profile)
        ))
        .evidence(format!("spec.watch-list.data.blacklist names {}", without.join(", ")))
        .remedy("use a whitelist of the remaining kinds, then restart MeshSync, which reads it only at startup");
    let left = stock_without(&corrected(context, &without), context.facts.profile);
    set_whitelist(draft, context, meshsync, &left)
}
