//! What a stack is to be like, as the command line says it: for `system redeploy` and for `manifests`.

use serde_json::Value;

use crate::{
    cli::Installation,
    exit::UsageError,
    profile::Profile,
    render,
    repair::manifests::Options,
    seen::Seen,
    terminal::Terminal,
    watch_list::{self, Standing, WatchList},
};

/// The options, with the watch-list read and found to be one; what it will not do is said.
pub(super) fn options(
    args: &Installation,
    profile: &'static Profile,
    terminal: &Terminal,
) -> Result<Options, UsageError> {
    let default = Options::default();
    let watch_list = match &args.watch_list {
        Some(file) => Some(watch_list(file, profile, terminal)?),
        None => None,
    };
    Ok(Options {
        operator_version: args.operator_version.clone(),
        image_registry: args.image_registry.clone(),
        broker_service: args
            .broker_service_type
            .clone()
            .unwrap_or(default.broker_service),
        broker_size: args.broker_size.unwrap_or(default.broker_size),
        watch_list,
        watch_everything: args.watch_everything,
    })
}

/// The data of a watch-list in a file.
fn watch_list(
    file: &str,
    profile: &'static Profile,
    terminal: &Terminal,
) -> Result<Value, UsageError> {
    let meshsync = super::watch_list::read(file, profile)?;
    let list = WatchList::of(&meshsync, profile);
    let entries = match &list {
        WatchList::Whitelist(entries) | WatchList::Blacklist(entries) => entries,
        WatchList::Empty => return Err(UsageError(format!("the watch-list in {file} is empty"))),
        WatchList::Invalid(why) => {
            return Err(UsageError(format!(
                "the watch-list in {file} cannot be read: {why}"
            )));
        }
    };
    for entry in entries {
        match watch_list::standing(&entry.resource, &Seen::NotLooked, profile) {
            Standing::Watched => {}
            Standing::Malformed(meant) => {
                let meant = meant.map(|meant| format!("; did you mean {meant}?"));
                return Err(UsageError(format!(
                    "the watch-list in {file}, {}: \"{}\" is not of the form plural.version.group{}",
                    entry.place,
                    entry.resource,
                    meant.unwrap_or_default()
                )));
            }
            _ => terminal.say(&render::clean(&format!(
                "warning: MeshSync ignores {}, which is not among the kinds that it knows",
                entry.resource
            ))),
        }
    }
    let version = profile.images.meshsync.split_once(':').map(|(_, tag)| tag);
    if let Some(why) = list.silence(version) {
        terminal.say(&format!(
            "warning: with this watch-list MeshSync publishes nothing: {why}"
        ));
    }
    let list = meshsync.spec.watch_list.unwrap_or_default();
    Ok(list["data"].clone())
}
