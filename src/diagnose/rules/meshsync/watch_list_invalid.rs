use crate::{
    diagnose::{
        rules::{
            meshsync::{
                SILENCE, version_bug,
                watch_list::{named, set_whitelist, too_new, version, with_restart},
                watch_list_empty,
            },
            prelude::*,
        },
        stack_view::Line,
    },
    facts::watch_list::{Standing, standing},
    stack::watch_list::{self, Entry, WatchList},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "watch-list-invalid",
    title: "The watch-list cannot be read",
    explains: SILENCE,
    explanation: include_str!("watch_list_invalid.md"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-readable",
    title: "the watch-list can be read and has entries",
    ..Check::of(&[&DIAGNOSIS, &watch_list_empty::DIAGNOSIS, &version_bug::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let meshsync = context.meshsync_object()?;
    let profile = context.facts.profile;
    let list = meshsync.watch_list(profile);
    let silence = list.silence(Some(version(context))).unwrap_or_default();
    match &list {
        WatchList::Whitelist(entries) => {
            let malformed: Vec<&Entry> =
                entries.iter().filter(|entry| !watch_list::is_well_formed(&entry.resource)).collect();
            if malformed.is_empty() {
                return Outcome::pass_with(format!("{} kinds", entries.len()));
            }
            let draft = DIAGNOSIS.finding()
                .title(match malformed.as_slice() {
                    [one] => format!("The watch-list's entry \"{}\" is not of the form that MeshSync reads", one.resource),
                    many => format!("{} entries of the watch-list are not of the form that MeshSync reads", many.len()),
                })
                .message("MeshSync passes over it without a word. An entry is <plural>.<version>.<group>, all in lower case; for the core group it ends with a dot.")
                .evidences(malformed.iter().map(|entry| {
                    let meant = match standing(&entry.resource, &context.facts.served, profile) {
                        Standing::Malformed(Some(meant)) => format!("; did you mean {meant}?"),
                        _ => String::new(),
                    };
                    format!("spec.watch-list.data.whitelist, {}: \"{}\"{meant}", entry.place, entry.resource)
                }))
                .remedy("mend the entry, then restart MeshSync, which reads the list only when it starts");
            Outcome::found(vec![with_restart(draft, context, meshsync)])
        }
        WatchList::Blacklist(entries) => {
            known_unless(too_new(context))?;
            Outcome::found(vec![version_bug::blacklist(context, meshsync, entries, silence)])
        }
        WatchList::Invalid(invalid) => {
            let draft = DIAGNOSIS.finding()
                .message(format!(
                    "{} logs code 1000 and falls back to its built-in list, with which it stays connected and publishes \
                     nothing: {silence}.",
                    named(context)
                ))
                .evidence(invalid.to_string())
                .remedy("mend the list, then restart MeshSync, which reads it only when it starts");
            let Some(instead) = &invalid.instead else {
                return Outcome::found(vec![with_restart(draft, context, meshsync)]);
            };
            let draft = draft
                .evidence(format!("as a whitelist, what was meant is: {}", instead.join(", ")))
                .remedy("write that whitelist, with all events, instead; then restart MeshSync, which reads it only when it starts");
            Outcome::found(vec![set_whitelist(draft, context, meshsync, instead)])
        }
        WatchList::Empty => {
            // Where the definition of the old line drops the field, an empty list is no decision of anybody's.
            if context.line == Some(Line::Old) {
                return Outcome::skip("the old line's definition may have no such field");
            }
            Outcome::found(vec![watch_list_empty::empty(context, meshsync, silence)])
        }
    }
}
