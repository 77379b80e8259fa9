use crate::{
    diagnose::rules::{meshsync::watch_list::with_restart, prelude::*},
    facts::Meshsync,
    stack::watch_list::Entry,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-unknown-resource",
    title: "The watch-list names a resource that this cluster does not serve",
    explanation: include_str!("watch_list_unknown_resource.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::fault(Component::Meshsync)
};

/// Entries that this cluster does not serve, with suggestions if there are any.
pub(crate) fn unknown(
    context: &RuleContext<'_>,
    meshsync: &Meshsync,
    unknown: &[(&Entry, Option<String>)],
) -> Option<Finding> {
    let (first, _) = unknown.first()?;
    let draft = DIAGNOSIS
        .finding()
        .title(match unknown.len() {
            1 => format!("The watch-list names {}, which this cluster does not serve", first.resource),
            n => format!("The watch-list names {n} resources that this cluster does not serve"),
        })
        .message("MeshSync skips it without a message, and nothing of that kind reaches the server.")
        .evidences(unknown.iter().map(|(entry, meant)| {
            let meant = meant.as_ref().map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            format!("spec.watch-list.data.whitelist, {}: \"{}\" is not served{meant}", entry.place, entry.resource)
        }))
        .remedy("correct the entry, then restart MeshSync, which reads the list only at startup")
        .command(context.kubectl_cluster().inspect("api-resources"));
    Some(with_restart(draft, context, meshsync))
}
