//! What every check of the watch-list needs.

use semver::Version;

use crate::{
    diagnose::rules::{prelude::*, references::named_object},
    facts::Meshsync,
    stack::{
        base::words::quoted,
        watch_list::{self, Entry, WatchList},
    },
};

/// The newest `MeshSync` whose table is known.
const NEWEST_KNOWN: Version = Version::new(1, 0, 3);

/// The entries of a whitelist, or why there are none to judge.
pub(crate) fn whitelist<'a>(
    context: &'a RuleContext<'_>,
    list: &'a WatchList,
) -> Result<(&'a Meshsync, &'a [Entry]), Undecided> {
    let meshsync = context.meshsync_object()?;
    match list {
        WatchList::Whitelist(entries) => Ok((meshsync, entries)),
        WatchList::Blacklist(_) => Err(Undecided::Skip("the list is a blacklist".into())),
        _ => Err(Undecided::Skip("there is no list that can be read".into())),
    }
}

pub(crate) fn version<'a>(context: &'a RuleContext<'_>) -> &'a str {
    context.states().meshsync.report.version.as_deref().unwrap_or("")
}

/// Why nothing can be said of a `MeshSync` that is newer than what is known here.
pub(crate) fn too_new(context: &RuleContext<'_>) -> Option<String> {
    let release = watch_list::release(version(context))?;
    (release > NEWEST_KNOWN)
        .then(|| format!("what MeshSync {release} can watch is not known here, only up to {NEWEST_KNOWN}"))
}

/// A finding about the list of an object, whose remedy is to change the list and to have it read.
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

/// A finding about the list of an object, with the commands that put a whitelist in place of whatever is there.
pub(crate) fn set_whitelist(
    draft: Draft,
    context: &RuleContext<'_>,
    meshsync: &Meshsync,
    resources: &[String],
) -> Finding {
    let profile = context.facts.profile;
    let stock = watch_list::stock_without(&[], profile);
    let missing: Vec<&str> = stock.iter().filter(|name| !resources.contains(name)).map(String::as_str).collect();
    let target = format!("patch {} --type merge", named_object(context, meshsync));
    // The stock list is too long for a line that somebody reads before pasting it.
    let draft = if resources.iter().all(|name| stock.contains(name)) && resources.len() > 3 {
        let without = if missing.is_empty() { String::new() } else { format!(" --without {}", missing.join(",")) };
        draft
            .command(other(Effect::Read, format!("meshdoctor watch-list --stock{without} > watch-list.yaml")))
            .command(context.kubectl().change(format!("{target} --patch-file watch-list.yaml")))
    } else {
        let patch = watch_list::patch(resources).to_string();
        draft.command(context.kubectl().change(format!("{target} -p {}", quoted(&patch))))
    };
    let object = context.object("MeshSync", stack::name(&meshsync.metadata));
    draft.object(object).command(context.restart(Component::Meshsync)).done()
}

/// The events that an entry names, as evidence.
pub(crate) fn events_written(entry: &Entry) -> String {
    let written = match entry.events.as_slice() {
        [] => "it names none".to_owned(),
        events => format!("it names {}", events.join(", ")),
    };
    format!("spec.watch-list.data.whitelist, {}: {}: {written}", entry.place, entry.resource)
}
