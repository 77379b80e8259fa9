use crate::{
    diagnose::rules::{
        meshsync::{
            watch_list::{events_written, whitelist, with_restart},
            watch_list_partial_events,
        },
        prelude::*,
    },
    facts::watch_list::in_force,
    stack::watch_list::{Entry, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-no-events",
    title: "A watch-list entry names no valid event types",
    explains: &["database-empty", "database-stale"],
    explanation: include_str!("watch_list_no_events.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-events",
    title: "every watch-list entry names all event types",
    ..Check::of(&[&DIAGNOSIS, &watch_list_partial_events::DIAGNOSIS], judge)
};

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let (meshsync, _) = whitelist(context, &list)?;
    let watched: Vec<&Entry> = list.watched(context.facts.profile).collect();
    if watched.is_empty() {
        return Outcome::skip("no entry is watched");
    }
    let (silent, partial): (Vec<&Entry>, Vec<&Entry>) =
        watched.into_iter().filter(|entry| !entry.missing().is_empty()).partition(|entry| entry.published().is_empty());
    let mut findings = Vec::new();
    if let [first, ..] = silent.as_slice() {
        let draft = DIAGNOSIS
            .finding()
            .title(match silent.len() {
                1 => format!("The watch-list names no valid event types for {}", first.resource),
                n => format!("The watch-list names no valid event types for {n} kinds"),
            })
            .message(
                "MeshSync watches it but publishes nothing about it. Only ADDED, MODIFIED and DELETED are valid, in \
                 exactly this spelling; no event types means none.",
            )
            .evidences(silent.iter().map(|entry| events_written(entry)))
            .remedy("name all three event types, then restart MeshSync, which reads the list only at startup");
        findings.push(with_restart(draft, context, meshsync));
    }
    findings.extend(watch_list_partial_events::partial(context, meshsync, &partial));
    Outcome::of(findings)
}
