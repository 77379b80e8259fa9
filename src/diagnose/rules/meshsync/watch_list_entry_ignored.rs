use crate::{
    diagnose::rules::{meshsync::watch_list::with_restart, prelude::*},
    facts::Meshsync,
    stack::watch_list::Entry,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-entry-ignored",
    title: "MeshSync ignores an entry of the watch-list",
    explains: &["database-stale"],
    explanation: include_str!("watch_list_entry_ignored.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Meshsync)
};

/// Entries that the cluster serves but MeshSync ignores.
pub(crate) fn ignored(context: &RuleContext<'_>, meshsync: &Meshsync, ignored: &[&Entry]) -> Option<Finding> {
    let first = ignored.first()?;
    let draft = DIAGNOSIS
        .finding()
        .title(match ignored.len() {
            1 => format!("MeshSync ignores {}, which the watch-list names", first.resource),
            n => format!("MeshSync ignores {n} entries of the watch-list"),
        })
        .message(
            "The cluster serves it, but a whitelist only selects from MeshSync's built-in kinds. Kinds of CRDs are \
             always watched, regardless of the list.",
        )
        .evidences(
            ignored
                .iter()
                .map(|entry| format!("spec.watch-list.data.whitelist, {}: \"{}\"", entry.place, entry.resource)),
        )
        .remedy("remove the entry, which has no effect");
    Some(with_restart(draft, context, meshsync))
}
