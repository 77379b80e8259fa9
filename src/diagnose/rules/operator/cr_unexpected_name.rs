use std::collections::BTreeSet;

use crate::{
    diagnose::rules::{prelude::*, references::named_object},
    facts::Meshsync,
    stack::{profile::Profile, watch_list::WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "cr-unexpected-name",
    title: "MeshSync does not read this custom resource's watch-list",
    explanation: include_str!("cr_unexpected_name.md"),
    cure: Cure::Person(because::LOSS),
    ..Diagnosis::warning(Component::Operator)
};

pub(crate) static CHECK: Check = Check {
    id: "resources-named",
    title: "the MeshSync CR has the name that MeshSync reads",
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
            // In another namespace the list is not read either, but that has no effect if it equals the default
            // behavior.
            other_name || (here != profile.namespace && !is_stock(meshsync, profile))
        })
        .map(|meshsync| unexpected(context, meshsync))
        .collect();
    if findings.is_empty() && here != profile.namespace {
        return Outcome::pass_with(format!(
            "MeshSync reads a watch-list only in namespace {}; the one here equals MeshSync's built-in behavior",
            profile.namespace
        ));
    }
    Outcome::of(findings)
}

/// Whether a list contains exactly the kinds that are published without a list.
fn is_stock(meshsync: &Meshsync, profile: &Profile) -> bool {
    let stock: BTreeSet<&str> = profile.meshsync.default_watch_list.iter().copied().collect();
    match meshsync.watch_list(profile) {
        WatchList::Empty => true,
        // With its built-in list, Meshplay's MeshSync publishes no built-in kind.
        WatchList::Whitelist(_) if !profile.has_current_line() => false,
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
    // Without its list, this MeshSync publishes no built-in kind.
    let severity = if profile.has_current_line() { DIAGNOSIS.severity } else { Severity::Error };
    DIAGNOSIS
        .finding()
        .severity(severity)
        .title(format!("MeshSync does not read the watch-list of {here}/{name}"))
        .message(format!(
            "MeshSync reads only the CR {wanted} in namespace {}, so it uses its built-in list{}. {} also looks for \
             that name.",
            profile.namespace,
            if profile.has_current_line() { "" } else { ", with which it publishes nothing but the kinds of CRDs" },
            profile.product
        ))
        .object(context.object("MeshSync", name))
        .evidence(format!("metadata.name: {name}"))
        .evidence(format!("metadata.namespace: {here}"))
        .remedy(format!(
            "recreate it as {wanted} in namespace {} with the same watch-list and broker, then delete this one (while \
             both exist, everything is published twice)",
            profile.namespace
        ))
        .command(context.kubectl().inspect(format!("get {object} -o yaml > meshsync.yaml")))
        .command(context.kubectl().delete(object))
        .done()
}
