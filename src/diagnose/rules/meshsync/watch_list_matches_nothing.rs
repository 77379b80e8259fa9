use crate::{
    diagnose::rules::{
        meshsync::{
            watch_list::{named, set_whitelist, too_new, whitelist},
            watch_list_entry_ignored, watch_list_unknown_resource,
        },
        prelude::*,
    },
    facts::watch_list::{Standing, in_force, standing},
    stack::watch_list::{self, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-matches-nothing",
    title: "No watch-list entry is a kind that MeshSync can watch",
    explains: &[
        "watch-list-invalid",
        "watch-list-unknown-resource",
        "watch-list-entry-ignored",
        "flow-not-watched",
        "flow-nothing-seen",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("watch_list_matches_nothing.md"),
    cure: Cure::Except("if the list names kinds that MeshSync knows"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-chooses",
    title: "the watch-list names kinds that MeshSync can watch",
    ..Check::of(&[&DIAGNOSIS, &watch_list_unknown_resource::DIAGNOSIS, &watch_list_entry_ignored::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, entries) = whitelist(context, &list)?;
    known_unless(too_new(context).filter(|_| list.has_more_than_stock(context.facts.profile)))?;
    let profile = context.facts.profile;
    let (mut ignored, mut unknown, mut unresolved, mut all) = (vec![], vec![], vec![], vec![]);
    for entry in entries {
        let resource = entry.resource.as_str();
        let said = match standing(resource, &context.facts.served, profile) {
            Standing::Watched => continue,
            Standing::Malformed(_) => "not of the form <plural>.<version>.<group>".to_owned(),
            Standing::Ignored => {
                ignored.push(entry);
                "served here, but not built into MeshSync".to_owned()
            }
            Standing::Unresolved => {
                unresolved.push(resource);
                "not built into MeshSync".to_owned()
            }
            Standing::Unknown(meant) => {
                unknown.push((entry, meant.clone()));
                match meant {
                    Some(meant) => format!("not served by this cluster; did you mean {meant}?"),
                    None => "not served by this cluster".to_owned(),
                }
            }
        };
        all.push(format!("whitelist, {}: \"{resource}\": {said}", entry.place));
    }
    let mut findings = Vec::new();
    if list.watched(profile).next().is_none() {
        let draft = DIAGNOSIS
            .finding()
            .message(format!(
                "A whitelist only selects from MeshSync's built-in kinds, and this one selects none. {} is connected \
                 and logs no error, but publishes no object of any built-in kind.",
                named(context)
            ))
            .evidences(all)
            .remedy(
                "choose from the default kinds (the commands set all of them), then restart MeshSync, which reads the \
                 list only at startup",
            );
        let stock = watch_list::stock_without(&[], profile);
        findings.push(set_whitelist(draft, context, meshsync, &stock));
    }
    findings.extend(watch_list_unknown_resource::unknown(context, meshsync, &unknown));
    findings.extend(watch_list_entry_ignored::ignored(context, meshsync, &ignored));
    match (findings.is_empty(), unresolved.first()) {
        (true, Some(first)) => Outcome::unknown(format!(
            "whether the cluster serves {first} is unknown: {}",
            context.facts.served.why_unsettled().unwrap_or_else(|| "the server of that API did not respond".into())
        )),
        (true, None) => Outcome::pass_with(format!("{} kinds", list.watched(profile).count())),
        (false, _) => Outcome::found(findings),
    }
}
