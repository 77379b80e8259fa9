//! What every check of the watch-list needs.

use semver::Version;

use crate::{
    diagnose::rules::{prelude::*, references::named_object},
    facts::{
        Meshsync,
        watch_list::{Standing, standing},
    },
    stack::watch_list::{self, Entry, WatchList},
};

/// The newest `MeshSync` whose built-in kinds are known.
const NEWEST_KNOWN: Version = Version::new(1, 0, 3);

/// The entries of a whitelist, or why there are none to judge.
pub(crate) fn whitelist<'a>(
    context: &'a RuleContext<'_>,
    list: &'a WatchList,
) -> Result<(&'a Meshsync, &'a [Entry]), Undecided> {
    let meshsync = context.meshsync_object()?;
    match list {
        WatchList::Whitelist(entries) => Ok((meshsync, entries)),
        WatchList::Blacklist(_) => Err(Undecided::Skip("the watch-list is a blacklist".into())),
        _ => Err(Undecided::Skip("there is no readable watch-list".into())),
    }
}

pub(crate) fn version<'a>(context: &'a RuleContext<'_>) -> &'a str {
    context.states().meshsync.report.version.as_deref().unwrap_or("")
}

/// Why nothing is known about a `MeshSync` that is newer than this program knows.
pub(crate) fn too_new(context: &RuleContext<'_>) -> Option<String> {
    let release = watch_list::release(version(context))?;
    (release > NEWEST_KNOWN)
        .then(|| format!("which kinds MeshSync {release} can watch is unknown; known up to {NEWEST_KNOWN}"))
}

/// A finding about a CR's watch-list; the remedy is to edit the list and restart.
pub(crate) fn with_restart(draft: Draft, context: &RuleContext<'_>, meshsync: &Meshsync) -> Finding {
    draft
        .object(context.object("MeshSync", stack::name(&meshsync.metadata)))
        .command(context.kubectl().change(format!("edit {}", named_object(context, meshsync))))
        .command(context.restart(Component::Meshsync))
        .done()
}

pub(crate) fn named(context: &RuleContext<'_>) -> String {
    match version(context) {
        "" => "MeshSync".into(),
        version => format!("MeshSync {version}"),
    }
}

/// A finding about a CR's watch-list, with the commands that replace the list with a whitelist.
pub(crate) fn set_whitelist(
    draft: Draft,
    context: &RuleContext<'_>,
    meshsync: &Meshsync,
    resources: &[String],
) -> Finding {
    let profile = context.facts.profile;
    let stock = watch_list::stock_without(&[], profile);
    let missing: Vec<&str> = stock.iter().filter(|name| !resources.contains(name)).map(String::as_str).collect();
    let target = context.custom_resource("MeshSync", stack::name(&meshsync.metadata));
    let patch = watch_list::patch(resources);
    // The default list is too long to read in one command line.
    let draft = if resources.iter().all(|name| stock.contains(name)) && resources.len() > 3 {
        let program = &context.facts.target.invocation.program;
        let without = if missing.is_empty() { String::new() } else { format!(" --without {}", missing.join(",")) };
        draft
            .command(other(Effect::Read, format!("{program} watch-list --stock{without} > watch-list.yaml")))
            .fix(context.kubectl().run(Action::Patch { object: target, patch, file: Some("watch-list.yaml".into()) }))
    } else {
        draft.fix(context.kubectl().patch(target, patch))
    };
    let object = context.object("MeshSync", stack::name(&meshsync.metadata));
    draft.object(object).fix(context.restart(Component::Meshsync)).done()
}

/// Corrects typos in these names, and leaves out kinds that are not in `MeshSync`'s table.
pub(crate) fn corrected(context: &RuleContext<'_>, names: &[String]) -> Vec<String> {
    let profile = context.facts.profile;
    let mut corrected: Vec<String> = Vec::new();
    for name in names {
        let name = match standing(name, &context.facts.served, profile) {
            Standing::Unknown(Some(meant)) | Standing::Malformed(Some(meant)) => meant,
            _ => name.clone(),
        };
        if profile.meshsync.default_watch_list.contains(&name.as_str()) && !corrected.contains(&name) {
            corrected.push(name);
        }
    }
    corrected
}

/// The event types that an entry names, as evidence.
pub(crate) fn events_written(entry: &Entry) -> String {
    let written = match entry.events.as_slice() {
        [] => "no event types".to_owned(),
        events => format!("event types {}", events.join(", ")),
    };
    format!("spec.watch-list.data.whitelist, {}: {}: {written}", entry.place, entry.resource)
}
