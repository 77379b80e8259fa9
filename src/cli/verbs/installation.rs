//! The desired stack from the command line, for `system redeploy` and `manifests`.

use serde_json::Value;

use crate::{
    cli::{
        args::{Global, Installation},
        terminal::Terminal,
    },
    facts::{
        Meshsync, destination, redact,
        watch_list::{Standing, standing},
    },
    stack::{
        base::{limits, reader, seen::Seen, usage::UsageError},
        manifests::{ExternalBroker, Options},
        profile::Profile,
        watch_list::{WatchList, published_by_default},
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
    let broker = broker(args, global).await?;
    // Its MeshSync does not understand a user in the address.
    if !profile.has_current_line() && broker.as_ref().is_some_and(|broker| broker.token.is_some()) {
        return Err(UsageError::new(format!("MeshSync of {} does not support a token", profile.product)));
    }
    let watch_list = match &args.watch_list {
        Some(file) => {
            let named = file.clone();
            let read = move || super::watch_list::read(&named, profile);
            let meshsync = super::read_within(global, file, read).await?;
            let version = args.meshsync_version.as_deref();
            Some(watch_list(file, &meshsync, version, profile, terminal)?)
        }
        None => None,
    };
    Ok(Options {
        operator_version: args.operator_version.clone(),
        meshsync_version: args.meshsync_version.clone(),
        image_registry: args.image_registry.clone(),
        broker_service: args.broker_service_type.clone().unwrap_or(default.broker_service),
        broker_size: args.broker_size.unwrap_or(default.broker_size),
        broker,
        network_policy: args.network_policy,
        standalone: args.standalone,
        output_namespaces: args.output_namespaces.clone(),
        helm_release: args.helm_release.clone(),
        watch_list,
        watch_everything: args.watch_everything,
    })
}

/// The NATS server that `--broker-url` names. No message repeats the URL, which may contain a token by mistake.
async fn broker(args: &Installation, global: &Global) -> Result<Option<ExternalBroker>, UsageError> {
    let Some(url) = &args.broker_url else {
        return Ok(None);
    };
    if url.contains('@') {
        return Err(UsageError::new(
            "--broker-url must not contain a user or token, which other users of this machine see",
        )
        .instead("write the token into a file and use --broker-token-file FILE, or - for stdin"));
    }
    let wrong = || UsageError::new("--broker-url must have the form [nats://]HOST[:PORT]");
    let rest = url.strip_prefix("nats://").unwrap_or(url).trim_end_matches('/');
    let plain = rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
    let (host, port) = destination::host_and_port(rest).filter(|_| plain).ok_or_else(wrong)?;
    if host.is_empty() || port == 0 {
        return Err(wrong());
    }
    let token = match &args.broker_token_file {
        Some(file) => Some(token(file, args, global).await?),
        None => None,
    };
    Ok(Some(ExternalBroker { address: destination::plain(rest), token }))
}

/// The token in a file, without the end of the line.
async fn token(file: &str, args: &Installation, global: &Global) -> Result<String, UsageError> {
    if file == "-" && args.watch_list.as_deref() == Some("-") {
        return Err(UsageError::new("--watch-list and --broker-token-file cannot both read standard input"));
    }
    let (named, shown) = (file.to_owned(), if file == "-" { "standard input" } else { file }.to_owned());
    let read = move || {
        let text = reader::text_or_input(&named, limits::CREDENTIAL_FILE);
        text.map_err(|why| UsageError::unreadable(if named == "-" { "standard input" } else { &named }, why))
    };
    let text = super::read_within(global, file, read).await?;
    let token = text.trim_end_matches(['\r', '\n']);
    let is_token = !token.is_empty() && !token.chars().any(|c| c.is_whitespace() || c.is_control());
    if !is_token || token.contains(redact::REDACTED) {
        return Err(UsageError::new(format!("{shown} does not contain a token: one line without spaces")));
    }
    Ok(token.to_owned())
}

/// The data of a watch-list in a file.
fn watch_list(
    file: &str,
    meshsync: &Meshsync,
    version: Option<&str>,
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
    let version = version.or_else(|| profile.images.meshsync.split_once(':').map(|(_, tag)| tag));
    if let Some(why) = list.silence(version, profile) {
        terminal.say(&format!(
            "warning: with this watch-list, MeshSync starts from its built-in list and publishes {}, because {why}",
            published_by_default(profile)
        ));
    }
    if let Some(group) = list.group_without_kinds(profile) {
        terminal.say(&format!(
            "warning: this watch-list names no kind of MeshSync's {} group, so MeshSync panics at each start; add for \
             example {}",
            group.name(),
            group.quiet_kind()
        ));
    }
    let list = meshsync.spec.watch_list.as_ref();
    Ok(list.map(|list| list["data"].clone()).unwrap_or_default())
}
