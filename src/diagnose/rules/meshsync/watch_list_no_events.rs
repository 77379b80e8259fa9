//! An entry of the watch-list names no events.

use crate::{
    diagnose::rules::{
        meshsync::{
            watch_list::{whitelist, with_restart},
            watch_list_partial_events,
        },
        prelude::*,
    },
    facts::watch_list::in_force,
    stack::watch_list::{Entry, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-no-events",
    title: "An entry of the watch-list names no events",
    explanation: include_str!("watch_list_no_events.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-events",
    component: Component::Meshsync,
    title: "every entry of the watch-list names all events",
    finds: &[&DIAGNOSIS, &watch_list_partial_events::DIAGNOSIS],
    after: &[&INSTALLED],
    judge,
};

pub(crate) fn judge(context: &RuleContext<'_>) -> Judgement {
    let list = in_force(context.facts).unwrap_or(WatchList::Empty);
    let meshsync = match whitelist(context, &list) {
        Ok((meshsync, _)) => meshsync,
        Err(undecided) => return Err(undecided),
    };
    let watched: Vec<&Entry> = list.watched(context.facts.profile).collect();
    if watched.is_empty() {
        return Outcome::skip("no entry is watched");
    }
    let (silent, partial): (Vec<&Entry>, Vec<&Entry>) = watched
        .into_iter()
        .filter(|entry| !entry.missing().is_empty())
        .partition(|entry| entry.published().is_empty());
    let object = || context.object("MeshSync", stack::name(&meshsync.metadata));
    let line = |entry: &&Entry| {
        let written = if entry.events.is_empty() {
            "it names none".to_owned()
        } else {
            format!("it names {}", entry.events.join(", "))
        };
        format!(
            "spec.watch-list.data.whitelist, {}: {}: {written}",
            entry.place, entry.resource
        )
    };
    let mut findings = Vec::new();
    if let [first, ..] = silent.as_slice() {
        let draft = DIAGNOSIS.finding()
            .title(match silent.len() {
                1 => format!("The watch-list names no event of {}", first.resource),
                n => format!("The watch-list names no event of {n} kinds"),
            })
            .message("MeshSync watches it and publishes nothing of it. Only ADDED, MODIFIED and DELETED count, spelled just so; to name none means none.")
            .object(object())
            .evidences(silent.iter().map(line))
            .remedy("name all three events, then restart MeshSync, which reads the list only when it starts");
        findings.push(with_restart(draft, context, meshsync));
    }
    if let [first, ..] = partial.as_slice() {
        let lacks = |event: &str| partial.iter().any(|entry| entry.missing().contains(&event));
        let mut so = Vec::new();
        if lacks("DELETED") {
            so.push("without DELETED what is gone stays in the server's data for ever");
        }
        if lacks("MODIFIED") {
            so.push("without MODIFIED an object stays as it was first seen");
        }
        if lacks("ADDED") {
            so.push("without ADDED an object appears only with its first change");
        }
        let draft = watch_list_partial_events::DIAGNOSIS.finding()
            .title(match partial.len() {
                1 => format!("The watch-list leaves out {} of {}", first.missing().join(" and "), first.resource),
                n => format!("The watch-list leaves out events of {n} kinds"),
            })
            .message(format!("The server's picture is wrong where nobody sees it: {}.", so.join("; ")))
            .object(object())
            .evidences(partial.iter().map(line))
            .remedy("name all three events, then restart MeshSync, which reads the list only when it starts");
        findings.push(with_restart(draft, context, meshsync));
    }
    Outcome::of(findings)
}
