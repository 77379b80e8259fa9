use std::collections::BTreeSet;

use crate::{
    diagnose::rules::{prelude::*, references::named_object},
    facts::Meshsync,
    stack::{profile::Profile, watch_list::WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-unexpected-name",
    title: "MeshSync does not read this object's watch-list",
    explanation: include_str!("cr_unexpected_name.md"),
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-named",
    title: "the MeshSync object is the one that MeshSync reads",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    context.meshsync_object()?;
    let here = &context.facts.target.namespace;
    let findings: Vec<Finding> = context
        .meshsyncs
        .items()
        .iter()
        .filter(|meshsync| {
            let other_name = stack::name(&meshsync.metadata) != profile.meshsync.resource;
            // Elsewhere a list is not read either, which changes nothing where it says what is done without it.
            other_name || (here != profile.namespace && !is_stock(meshsync, profile))
        })
        .map(|meshsync| unexpected(context, meshsync))
        .collect();
    if findings.is_empty() && here != profile.namespace {
        return Outcome::pass_with(format!(
            "MeshSync reads its watch-list in namespace {} only; the one here says what it does without",
            profile.namespace
        ));
    }
    Outcome::of(findings)
}

/// Whether a list asks for no more and no less than what is watched without one.
fn is_stock(meshsync: &Meshsync, profile: &Profile) -> bool {
    let stock: BTreeSet<&str> = profile.meshsync.default_watch_list.iter().copied().collect();
    match meshsync.watch_list(profile) {
        WatchList::Empty => true,
        WatchList::Whitelist(entries) => {
            entries.iter().all(|entry| entry.events.len() == 3)
                && entries.iter().map(|entry| entry.resource.as_str()).collect::<BTreeSet<_>>() == stock
        }
        WatchList::Blacklist(_) | WatchList::Invalid { .. } => false,
    }
}

fn unexpected(context: &RuleContext<'_>, meshsync: &Meshsync) -> Finding {
    let profile = context.facts.profile;
    let name = stack::name(&meshsync.metadata);
    let here = &context.facts.target.namespace;
    let wanted = profile.meshsync.resource;
    let object = named_object(context, meshsync);
    DIAGNOSIS.finding()
        .title(format!(
            "MeshSync does not read the watch-list of {here}/{name}"
        ))
        .message(format!(
            "The program looks for one object only: {wanted} in namespace {}. It does not find its list and falls back to \
             what is built in. {} itself looks for that name as well.",
            profile.namespace, profile.product
        ))
        .object(context.object("MeshSync", name))
        .evidence(format!("metadata.name: {name}"))
        .evidence(format!("metadata.namespace: {here}"))
        .remedy(format!(
            "make the object anew as {wanted} in namespace {}, with the same watch-list and broker, then delete this one; \
             both at once would publish everything twice",
            profile.namespace
        ))
        .command(context.kubectl().inspect(format!("get {object} -o yaml > meshsync.yaml")))
        .command(context.kubectl().delete(object))
        .done()
}
