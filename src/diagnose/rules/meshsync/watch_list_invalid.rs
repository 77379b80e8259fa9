use crate::{
    diagnose::{
        rules::{
            installation::crd_outdated,
            meshsync::{
                SILENCE, version_bug,
                watch_list::{corrected, named, set_whitelist, too_new, version, with_restart},
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
    title: "The watch-list is invalid",
    explains: SILENCE,
    explanation: include_str!("watch_list_invalid.md"),
    cure: Cure::Except("if the intended kinds cannot be derived from the list"),
    ..Diagnosis::fault(Component::Meshsync)
};

pub(crate) static CHECK: Check = Check {
    id: "watch-list-readable",
    title: "the watch-list is valid and has entries",
    ..Check::of(&[&DIAGNOSIS, &watch_list_empty::DIAGNOSIS, &version_bug::DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let meshsync = context.meshsync_object()?;
    let profile = context.facts.profile;
    let list = meshsync.watch_list(profile);
    let silence = list.silence(Some(version(context)), profile).unwrap_or_default();
    match &list {
        WatchList::Whitelist(entries) => {
            let malformed: Vec<&Entry> =
                entries.iter().filter(|entry| !watch_list::is_well_formed(&entry.resource)).collect();
            if malformed.is_empty() {
                return Outcome::pass_with(format!("{} kinds", entries.len()));
            }
            let draft = DIAGNOSIS
                .finding()
                .title(match malformed.as_slice() {
                    [one] => format!("The watch-list entry \"{}\" has the wrong format", one.resource),
                    many => format!("{} watch-list entries have the wrong format", many.len()),
                })
                .message(
                    "MeshSync skips it without a message. The format is <plural>.<version>.<group>, all lower case; \
                     core group entries end with a dot.",
                )
                .evidences(malformed.iter().map(|entry| {
                    let meant = match standing(&entry.resource, &context.facts.served, profile) {
                        Standing::Malformed(Some(meant)) => format!("; did you mean {meant}?"),
                        _ => String::new(),
                    };
                    format!("spec.watch-list.data.whitelist, {}: \"{}\"{meant}", entry.place, entry.resource)
                }))
                .remedy("correct the entry, then restart MeshSync, which reads the list only at startup");
            Outcome::found(vec![with_restart(draft, context, meshsync)])
        }
        WatchList::Blacklist(entries) => {
            known_unless(too_new(context))?;
            Outcome::found(vec![version_bug::blacklist(context, meshsync, entries, silence)])
        }
        WatchList::Invalid(invalid) => {
            let draft = DIAGNOSIS
                .finding()
                .message(format!(
                    "{} {}uses its built-in list. It is connected but publishes {}, because {silence}.",
                    named(context),
                    if profile.has_current_line() { "logs code 1000 and " } else { "" },
                    watch_list::published_by_default(profile),
                ))
                .evidence(invalid.to_string())
                .remedy("correct the watch-list, then restart MeshSync, which reads it only at startup");
            let meant = invalid.instead.as_deref().unwrap_or_default();
            let instead = corrected(context, meant);
            if instead.is_empty() {
                return Outcome::found(vec![with_restart(draft, context, meshsync)]);
            }
            let doubtful = meant.iter().filter(|name| !instead.contains(name)).map(|name| {
                match standing(name, &context.facts.served, profile) {
                    Standing::Unknown(Some(meant)) | Standing::Malformed(Some(meant)) => {
                        format!("\"{name}\": did you mean {meant}?")
                    }
                    _ => format!("\"{name}\" is left out, because MeshSync cannot watch it"),
                }
            });
            let draft = draft
                .evidence(format!("the equivalent whitelist is: {}", instead.join(", ")))
                .evidences(doubtful)
                .remedy(
                    "set that whitelist with all event types instead, then restart MeshSync, which reads it only at \
                     startup",
                );
            Outcome::found(vec![set_whitelist(draft, context, meshsync, &instead)])
        }
        WatchList::Empty => {
            // If the CRD drops the field, an empty list was not a decision.
            let keeps = context.facts.meshsync_crd.known().and_then(crd_outdated::has_watch_list);
            if context.line == Some(Line::Old) && keeps != Some(true) {
                return Outcome::skip("the CRD may not have this field");
            }
            Outcome::found(vec![watch_list_empty::empty(context, meshsync, silence)])
        }
    }
}
