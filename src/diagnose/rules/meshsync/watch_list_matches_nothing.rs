//! Not one entry of the watch-list is a kind that `MeshSync` can watch.

use crate::{
    diagnose::rules::{
        meshsync::{
            watch_list::{named, set_whitelist, too_new, whitelist, with_restart},
            watch_list_entry_ignored, watch_list_unknown_resource,
        },
        prelude::*,
    },
    facts::watch_list::{Standing, in_force, standing},
    stack::watch_list::{self, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-matches-nothing",
    title: "Not one entry of the watch-list is a kind that MeshSync can watch",
    explains: &[
        "watch-list-invalid",
        "watch-list-unknown-resource",
        "watch-list-entry-ignored",
        "flow-not-watched",
        "flow-nothing-seen",
    ],
    explanation: include_str!("watch_list_matches_nothing.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-chooses",
    component: Component::Meshsync,
    title: "the watch-list chooses kinds that MeshSync can watch",
    finds: &[
        &DIAGNOSIS,
        &watch_list_unknown_resource::DIAGNOSIS,
        &watch_list_entry_ignored::DIAGNOSIS,
    ],
    after: &[&INSTALLED],
    judge,
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, entries) = whitelist(context, &list)?;
    if let Some(why) = too_new(context).filter(|_| list.goes_beyond(context.facts.profile)) {
        return Outcome::unknown(why);
    }
    let profile = context.facts.profile;
    let name = stack::name(&meshsync.metadata);
    let (mut ignored, mut unknown, mut unresolved, mut all) = (vec![], vec![], vec![], vec![]);
    for entry in entries {
        let resource = entry.resource.as_str();
        let said = match standing(resource, &context.facts.served, profile) {
            Standing::Watched => continue,
            Standing::Malformed(_) => "not of the form <plural>.<version>.<group>".to_owned(),
            Standing::Ignored => {
                ignored.push(entry);
                "served here, and not among the kinds built into MeshSync".to_owned()
            }
            Standing::Unresolved => {
                unresolved.push(resource);
                "not among the kinds built into MeshSync".to_owned()
            }
            Standing::Unknown(meant) => {
                unknown.push((entry, meant.clone()));
                match meant {
                    Some(meant) => format!("not served by this cluster; did you mean {meant}?"),
                    None => "not served by this cluster".to_owned(),
                }
            }
        };
        all.push(format!(
            "whitelist, {}: \"{resource}\": {said}",
            entry.place
        ));
    }
    let mut findings = Vec::new();
    if list.watched(profile).next().is_none() {
        let draft = DIAGNOSIS.finding()
            .message(format!(
                "A whitelist only chooses from MeshSync's own kinds, and this one chooses none: {} is connected, complains of nothing, and publishes no object of any built-in kind.",
                named(context)
            ))
            .object(context.object("MeshSync", name))
            .evidences(all)
            .remedy("choose among the stock kinds, here all of them, then restart MeshSync, which reads the list only when it starts");
        let stock = watch_list::stock_without(&[], profile);
        findings.push(set_whitelist(draft, context, meshsync, &stock));
    }
    if let [(first, _), ..] = unknown.as_slice() {
        let draft = watch_list_unknown_resource::DIAGNOSIS.finding()
            .title(match unknown.len() {
                1 => format!("The watch-list names {}, which this cluster does not serve", first.resource),
                n => format!("The watch-list names {n} resources that this cluster does not serve"),
            })
            .message("MeshSync passes over it without a word, and nothing of that kind reaches the server.")
            .object(context.object("MeshSync", name))
            .evidences(unknown.iter().map(|(entry, meant)| {
                let meant = meant.as_ref().map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                format!("spec.watch-list.data.whitelist, {}: \"{}\" is not served{meant}", entry.place, entry.resource)
            }))
            .remedy("correct the entry, then restart MeshSync, which reads the list only when it starts")
            .command(context.kubectl_cluster().inspect("api-resources"));
        findings.push(with_restart(draft, context, meshsync));
    }
    if let [first, ..] = ignored.as_slice() {
        let draft = watch_list_entry_ignored::DIAGNOSIS.finding()
            .title(match ignored.len() {
                1 => format!("MeshSync ignores {}, which the watch-list names", first.resource),
                n => format!("MeshSync ignores {n} entries of the watch-list"),
            })
            .message("The cluster serves it, but a whitelist only chooses among the kinds that are built into MeshSync. Kinds of custom resource definitions are watched whatever the list says.")
            .object(context.object("MeshSync", name))
            .evidences(ignored.iter().map(|entry| {
                format!("spec.watch-list.data.whitelist, {}: \"{}\"", entry.place, entry.resource)
            }))
            .remedy("remove the entry: it has no effect");
        findings.push(with_restart(draft, context, meshsync));
    }
    match (findings.is_empty(), unresolved.first()) {
        (true, Some(first)) => Outcome::unknown(format!(
            "whether the cluster serves {first} is not known: {}",
            context
                .facts
                .served
                .why_unsettled()
                .unwrap_or_else(|| "the server of that API did not answer".into())
        )),
        (true, None) => Outcome::pass_with(format!("{} kinds", list.watched(profile).count())),
        (false, _) => Outcome::found(findings),
    }
}
