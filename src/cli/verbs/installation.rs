//! The desired stack from the command line, for `system redeploy` and `manifests`.

use serde_json::Value;

use crate::{
    cli::{
        args::{Global, Installation},
        terminal::Terminal,
    },
    facts::{
        Meshsync, redact,
        watch_list::{Standing, standing},
    },
    stack::{
        base::{seen::Seen, usage::UsageError},
        manifests::Options,
        profile::Profile,
        watch_list::WatchList,
    },
};

/// The options, with the watch-list read and validated. Warns about entries that have no effect.
pub(crate) async fn options(
    args: &Installation,
    profile: &'static Profile,
    global: &Global,
    terminal: &Terminal,
) -> Result<Options, UsageError> {
    let default = Options::default();
    let watch_list = match &args.watch_list {
        Some(file) => {
            let named = file.clone();
            let read = move || super::watch_list::read(&named, profile);
            let meshsync = super::read_within(global, file, read).await?;
            Some(watch_list(file, &meshsync, profile, terminal)?)
        }
        None => None,
    };
    Ok(Options {
        operator_version: args.operator_version.clone(),
        image_registry: args.image_registry.clone(),
        broker_service: args.broker_service_type.clone().unwrap_or(default.broker_service),
        broker_size: args.broker_size.unwrap_or(default.broker_size),
        watch_list,
        watch_everything: args.watch_everything,
    })
}

/// The data of a watch-list in a file.
fn watch_list(
    file: &str,
    meshsync: &Meshsync,
    profile: &'static Profile,
    terminal: &Terminal,
) -> Result<Value, UsageError> {
    let list = meshsync.watch_list(profile);
    let entries = match &list {
        WatchList::Whitelist(entries) | WatchList::Blacklist(entries) => entries,
        WatchList::Empty => return Err(UsageError::new(format!("the watch-list in {file} is empty"))),
        WatchList::Invalid(why) => {
            return Err(UsageError::new(format!("the watch-list in {file} cannot be read: {why}")));
        }
    };
    for entry in entries {
        match standing(&entry.resource, &Seen::NotLooked, profile) {
            Standing::Watched => {}
            Standing::Malformed(meant) => {
                let hint = meant.map(|meant| format!("did you mean {meant}?"));
                return Err(UsageError::new(format!(
                    "the watch-list in {file}, {}: \"{}\" is not of the form plural.version.group",
                    entry.place, entry.resource
                ))
                .hint(hint));
            }
            _ => terminal.say(&redact::clean(&format!(
                "warning: MeshSync ignores {}, which is not one of its kinds",
                entry.resource
            ))),
        }
    }
    let version = profile.images.meshsync.split_once(':').map(|(_, tag)| tag);
    if let Some(why) = list.silence(version) {
        terminal.say(&format!(
            "warning: with this watch-list, MeshSync starts from its built-in list and publishes nothing, because {why}"
        ));
    }
    let list = meshsync.spec.watch_list.as_ref();
    Ok(list.map(|list| list["data"].clone()).unwrap_or_default())
}
