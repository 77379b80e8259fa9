use crate::{
    diagnose::rules::{
        meshsync::{
            SILENCE,
            watch_list::{named, set_whitelist},
        },
        prelude::*,
    },
    facts::Meshsync,
    stack::watch_list::stock_without,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-empty",
    title: "The watch-list is empty, and MeshSync publishes nothing",
    explains: SILENCE,
    explanation: include_str!("watch_list_empty.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

/// The list has no entries.
pub(crate) fn empty(context: &RuleContext<'_>, meshsync: &Meshsync, silence: &str) -> Finding {
    let draft = DIAGNOSIS
        .finding()
        .message(format!(
            "{} then falls back to its built-in list, with which it stays connected and publishes nothing: \
             {silence}. An upgrade from 0.8 leaves the list empty.",
            named(context)
        ))
        .evidence("spec.watch-list.data has neither a whitelist nor a blacklist with entries")
        .remedy("set the whitelist, here the stock one, then restart MeshSync, which reads it only when it starts");
    let stock = stock_without(&[], context.facts.profile);
    set_whitelist(draft, context, meshsync, &stock)
}
