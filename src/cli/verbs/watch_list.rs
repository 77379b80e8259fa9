//! `watch-list`: checks a watch-list from a file or the cluster, as `check` does, before it is applied.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    cli::{
        args::{Format, Global, WatchList as Args},
        exit::Exit,
        output::{self, Redacted},
        render,
        terminal::Terminal,
    },
    diagnose,
    facts::{
        Facts, Meshsync,
        recording::{self, API_VERSION},
        redact, stack,
        watch_list::{Standing, standing},
    },
    observe::Depth,
    report::{EffectiveEntry, Kind, Severity, Source, Tool, WatchListEntry, WatchListReport},
    stack::{
        base::{limits, reader, seen::Seen, usage::UsageError},
        profile::{self, Profile},
        watch_list::{self, WatchList},
    },
};

/// The two lists of a watch-list.
const LISTS: [&str; 2] = ["whitelist", "blacklist"];

pub(crate) async fn run(args: &Args, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    if args.stock {
        terminal.answer(&stock(&args.without, global.output, profile)?)?;
        return Ok(Exit::Ok);
    }
    // A wrong file is reported before the cluster is asked.
    let given = match &args.file {
        Some(file) => {
            let named = file.clone();
            Some(super::read_within(global, file, move || read(&named, profile)).await?)
        }
        None => None,
    };
    let mut stacks = super::look(global, Depth::WatchList, terminal, &[]).await?;
    let mut facts = stacks.swap_remove(0);
    if let [other, ..] = stacks.as_slice() {
        let (product, profile) = (other.profile.product, other.profile.name);
        terminal.say(&format!("This cluster also has {product}. For its watch-list, use --profile {profile}."));
    }
    let is_file = given.is_some();
    if let Some(meshsync) = given {
        facts.meshsyncs = BTreeMap::from([(facts.profile.versions[0].to_owned(), Seen::Known(vec![meshsync]))]);
    }
    let source = Source { kind: if is_file { "file" } else { "live" }, path: args.file.clone() };
    let (mut report, exit) = judged(&facts, source);
    report.exit_code = exit.code();
    let text = super::rendered(&report, global.output, |wide| {
        let look = terminal.look(wide);
        if terminal.quiet { render::watch_list_summary(&report, &look) } else { render::watch_list(&report, &look) }
    });
    terminal.answer(&text)?;
    if exit == Exit::Undetermined {
        let why = facts.obstacle.as_ref().map(|obstacle| obstacle.message.clone());
        let why = why.or_else(|| stack::meshsyncs(&facts).why_unsettled());
        let why = why.unwrap_or_else(|| "there is no MeshSync CR; name a file".into());
        terminal.say(&redact::clean(&why));
    }
    Ok(exit)
}

/// The stock watch-list as a merge patch.
fn stock(without: &[String], format: Format, profile: &'static Profile) -> Result<Redacted, UsageError> {
    let table = profile.meshsync.default_watch_list;
    if let Some(unknown) = without.iter().find(|name| !table.contains(&name.as_str())) {
        return Err(UsageError::new(format!("--without: \"{unknown}\" is not in the stock watch-list")));
    }
    let patch = watch_list::patch(&watch_list::stock_without(without, profile));
    Ok(match format {
        Format::Json => output::exact_json(&patch),
        _ => output::exact_yaml(&patch),
    })
}

/// A MeshSync CR with the watch-list of a file.
pub(crate) fn read(file: &str, profile: &'static Profile) -> Result<Meshsync, UsageError> {
    let shown = if file == "-" { "standard input" } else { file };
    let text = reader::text_or_input(file, limits::WATCH_LIST).map_err(|why| UsageError::unreadable(shown, why))?;
    if text.trim_start().starts_with('[') {
        return Ok(with_data(&bare(&text), profile));
    }
    if let Some(data) = of_helm_values(shown, &text)? {
        return Ok(with_data(&data, profile));
    }
    let objects = recording::objects(shown, &text)?;
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind);
    if let Some(meshsync) = of("MeshSync") {
        return serde_json::from_str(&meshsync.to_string()).map_err(|error| {
            UsageError::new(format!(
                "the MeshSync in {shown} is malformed: {}",
                crate::stack::base::words::malformed(&error)
            ))
        });
    }
    match of("ConfigMap") {
        Some(map) => Ok(with_data(&map["data"], profile)),
        None => Err(UsageError::new(format!("{shown} contains no watch-list")).instead(
            "use a MeshSync CR, a ConfigMap with whitelist or blacklist, Helm values with watchConfig, or the JSON \
                 array itself",
        )),
    }
}

/// The watch-list in the values of a Helm chart: `watchConfig` with a whitelist or blacklist, at any depth, because other
/// charts include the operator's. `None` if the text does not contain such values.
fn of_helm_values(shown: &str, text: &str) -> Result<Option<Value>, UsageError> {
    let documents = reader::values(text).map_err(|why| UsageError::unreadable(shown, why))?;
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| document["kind"].is_null()) {
        watch_configs(document, "", &mut found);
    }
    match found.as_slice() {
        [] => Ok(None),
        [(_, config)] => Ok(Some(data_of(config))),
        [(one, _), (other, _), ..] => {
            Err(UsageError::new(format!("{shown} contains several watch-lists, {one} and {other}")))
        }
    }
}

/// Every `watchConfig` with a list, and its path.
fn watch_configs<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if key == "watchConfig" && LISTS.iter().any(|list| !value[list].is_null()) {
            found.push((path, value));
        } else {
            watch_configs(value, &path, found);
        }
    }
}

/// The lists of a `watchConfig`. Values may contain them as YAML instead of text.
fn data_of(config: &Value) -> Value {
    let lists = LISTS.iter().filter(|list| !config[**list].is_null());
    let text = |list: &Value| if list.is_array() { list.to_string().into() } else { list.clone() };
    lists.map(|list| ((*list).to_owned(), text(&config[*list]))).collect::<Map<_, _>>().into()
}

/// A JSON array is a whitelist, unless it contains only names.
fn bare(text: &str) -> Value {
    let names = serde_json::from_str::<Vec<String>>(text).is_ok_and(|names| !names.is_empty());
    if names { json!({ "blacklist": text }) } else { json!({ "whitelist": text }) }
}

fn with_data(data: &Value, profile: &Profile) -> Meshsync {
    let mut meshsync = Meshsync::default();
    meshsync.metadata.name = Some(profile.meshsync.resource.to_owned());
    meshsync.spec.watch_list = Some(json!({ "data": data }));
    meshsync
}

pub(crate) fn judged(facts: &Facts, source: Source) -> (WatchListReport, Exit) {
    let profile = facts.profile;
    let meshsyncs = stack::meshsyncs(facts);
    let list = meshsyncs.items().first().map(|meshsync| meshsync.watch_list(profile));
    let version = diagnose::meshsync_version(facts);
    let (findings, _) = diagnose::watch_list(facts);
    let fails = findings.iter().any(|finding| finding.kind == Kind::Fault && finding.severity == Severity::Error);
    let exit = match &list {
        None => Exit::Undetermined,
        Some(_) if fails => Exit::Findings,
        Some(_) => Exit::Ok,
    };
    // A list with which MeshSync panics has no effect.
    let works = list.as_ref().filter(|list| list.group_without_kinds(profile).is_none());
    let effective: Vec<EffectiveEntry> = works
        .iter()
        .flat_map(|list| list.watched(profile))
        .map(|entry| EffectiveEntry { resource: entry.resource.clone(), events: entry.published() })
        .collect();
    let report = WatchListReport {
        api_version: API_VERSION,
        kind: "WatchList",
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        source,
        exit_code: 0,
        meshsync_version: version,
        list: match &list {
            None => "unknown",
            Some(WatchList::Whitelist(_)) => "whitelist",
            Some(WatchList::Blacklist(_)) => "blacklist",
            Some(WatchList::Empty) => "empty",
            Some(WatchList::Invalid(_)) => "invalid",
        },
        publishes: effective.iter().any(|entry| !entry.events.is_empty()),
        entries: list.as_ref().map(|list| entries(list, facts)).unwrap_or_default(),
        effective,
        unresolved: facts
            .served
            .why_unsettled()
            .map(|why| facts.obstacle.as_ref().map_or(why, |obstacle| obstacle.message.clone())),
        findings,
    };
    (report, exit)
}

fn entries(list: &WatchList, facts: &Facts) -> Vec<WatchListEntry> {
    let (entries, black) = match list {
        WatchList::Whitelist(entries) => (entries.as_slice(), false),
        WatchList::Blacklist(entries) => (entries.as_slice(), true),
        _ => (&[][..], false),
    };
    entries
        .iter()
        .map(|entry| {
            let (standing, meant) = if black {
                ("excluded", None)
            } else {
                match standing(&entry.resource, &facts.served, facts.profile) {
                    Standing::Watched => ("watched", None),
                    Standing::Ignored => ("ignored", None),
                    Standing::Unknown(meant) => ("unknown", meant),
                    Standing::Malformed(meant) => ("malformed", meant),
                    Standing::Unresolved => ("unresolved", None),
                }
            };
            WatchListEntry {
                resource: entry.resource.clone(),
                events: entry.events.clone(),
                line: entry.place.line,
                column: entry.place.column,
                standing,
                meant,
            }
        })
        .collect()
}
