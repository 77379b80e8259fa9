use crate::{
    diagnose::rules::{
        meshsync::{
            SILENCE,
            watch_list::{named, set_whitelist},
        },
        prelude::*,
    },
    facts::Meshsync,
    stack::watch_list::{published_by_default, stock_without},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-empty",
    title: "The watch-list is empty, so MeshSync publishes no built-in kind",
    explains: SILENCE,
    explanation: include_str!("watch_list_empty.md"),
    cure: Cure::Automatic,
    ..Diagnosis::fault(Component::Meshsync)
};

/// The list has no entries.
pub(crate) fn empty(context: &RuleContext<'_>, meshsync: &Meshsync, silence: &str) -> Finding {
    let profile = context.facts.profile;
    let draft = DIAGNOSIS
        .finding()
        .message(format!(
            "{} then uses its built-in list. It is connected but publishes {}, because {silence}.{}",
            named(context),
            published_by_default(profile),
            if profile.has_current_line() { " An upgrade from 0.8 leaves the list empty." } else { "" }
        ))
        .evidence("spec.watch-list.data has no whitelist or blacklist entries")
        .remedy("set the whitelist, here to the default one, then restart MeshSync, which reads it only at startup");
    let stock = stock_without(&[], profile);
    set_whitelist(draft, context, meshsync, &stock)
}
