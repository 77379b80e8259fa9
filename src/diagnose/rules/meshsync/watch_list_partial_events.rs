use crate::{
    diagnose::rules::{
        meshsync::watch_list::{events_written, with_restart},
        prelude::*,
    },
    facts::Meshsync,
    stack::watch_list::Entry,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-partial-events",
    title: "A watch-list entry leaves out event types",
    explains: &["database-stale"],
    explanation: include_str!("watch_list_partial_events.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

/// Entries that leave out event types.
pub(crate) fn partial(context: &RuleContext<'_>, meshsync: &Meshsync, partial: &[&Entry]) -> Option<Finding> {
    let first = partial.first()?;
    let lacks = |event: &str| partial.iter().any(|entry| entry.missing().contains(&event));
    let mut so = Vec::new();
    if lacks("DELETED") {
        so.push("without DELETED, deleted objects stay in its data forever");
    }
    if lacks("MODIFIED") {
        so.push("without MODIFIED, an object stays as it was first seen");
    }
    if lacks("ADDED") {
        so.push("without ADDED, an object appears only with its first change");
    }
    let draft = DIAGNOSIS
        .finding()
        .title(match partial.len() {
            1 => format!("The watch-list leaves out {} of {}", first.missing().join(" and "), first.resource),
            n => format!("The watch-list leaves out event types of {n} kinds"),
        })
        .message(format!("The server's view is wrong, without any visible sign: {}.", so.join("; ")))
        .evidences(partial.iter().map(|entry| events_written(entry)))
        .remedy("name all three event types, then restart MeshSync, which reads the list only at startup");
    Some(with_restart(draft, context, meshsync))
}
