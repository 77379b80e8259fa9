use crate::{
    diagnose::rules::{
        meshsync::watch_list::{whitelist, with_restart},
        prelude::*,
    },
    facts::watch_list::in_force,
    stack::watch_list::{Group, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-one-group",
    title: "The watch-list names kinds of only one of MeshSync's two groups",
    explains: &[
        "meshsync-crash-loop",
        "meshsync-not-connected",
        "meshsync-not-ready",
        "meshsync-silent",
        "meshsync-no-answer",
        "data-gap-since-reconnect",
        "flow-nothing-seen",
        "flow-store-incomplete",
        "database-empty",
        "database-stale",
    ],
    explanation: include_str!("watch_list_one_group.md"),
    cure: Cure::Person(because::CHOICE),
    profiles: &[&profile::MESHPLAY],
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-groups",
    title: "the watch-list names kinds of both groups",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let profile = context.facts.profile;
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, _) = whitelist(context, &list)?;
    let watched: Vec<&str> = list.watched(profile).map(|entry| entry.resource.as_str()).collect();
    if watched.is_empty() {
        return Outcome::skip("no entry is watched");
    }
    let Some(missing) = list.group_without_kinds(profile) else {
        return Outcome::pass();
    };
    let present = if missing == Group::Global { Group::Local } else { Group::Global };
    let draft = DIAGNOSIS
        .finding()
        .title(format!("The watch-list names no kind of MeshSync's {} group", missing.name()))
        .message(
            "MeshSync starts its kinds in two groups, and panics if one of them is empty: five seconds after each \
             start, it exits with code 2. It publishes nothing.",
        )
        .evidence(format!(
            "spec.watch-list.data.whitelist names only kinds of the {} group: {}",
            present.name(),
            watched.join(", ")
        ))
        .remedy(format!(
            "add a kind of the {} group, for example {}, then restart MeshSync, which reads the list only at startup",
            missing.name(),
            missing.quiet_kind()
        ));
    Outcome::found(vec![with_restart(draft, context, meshsync)])
}
