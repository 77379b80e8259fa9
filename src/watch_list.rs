//! `MeshSync`'s watch-list, read as `MeshSync` reads it. Pure.
//!
//! The list is an embedded `ConfigMap` whose data are JSON in strings: `whitelist`, an array of objects, or
//! `blacklist`, an array of strings. Both missing, both present or malformed make `MeshSync` fall back to its defaults.

use serde::Deserialize;
use serde_json::Value;

use crate::{facts::Meshsync, profile::Profile, seen::Right};

/// One entry of a whitelist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `plural.version.group`, the group empty for the core one: `pods.v1.`.
    pub resource: String,
    /// The event types that are published.
    pub events: Vec<String>,
}

/// What a watch-list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchList {
    /// Only these.
    Whitelist(Vec<Entry>),
    /// All but these.
    Blacklist(Vec<String>),
    /// Neither list has an entry.
    Empty,
    /// It cannot be read.
    Invalid {
        /// Where: the field's path.
        field: String,
        /// Why.
        why: String,
    },
}

/// The decoder that `MeshSync` uses ignores the case of keys.
#[derive(Deserialize)]
struct RawEntry {
    #[serde(default, alias = "resource", alias = "RESOURCE", rename = "Resource")]
    resource: String,
    #[serde(default, alias = "events", alias = "EVENTS", rename = "Events")]
    events: Option<Vec<String>>,
}

impl WatchList {
    /// Reads the list of a `MeshSync` object.
    pub fn of(meshsync: &Meshsync) -> Self {
        let Some(list) = &meshsync.spec.watch_list else {
            return Self::Empty;
        };
        let data = match list.get("data") {
            None | Some(Value::Null) => return Self::Empty,
            Some(Value::Object(data)) => data,
            Some(other) => {
                return Self::Invalid {
                    field: "spec.watch-list.data".into(),
                    why: format!("it is {}, not a map of strings", kind_of(other)),
                };
            }
        };
        let white = match parse::<RawEntry>(data, "whitelist") {
            Ok(entries) => entries,
            Err(invalid) => return invalid,
        };
        let black = match parse::<String>(data, "blacklist") {
            Ok(entries) => entries,
            Err(invalid) => return invalid,
        };
        match (white.is_empty(), black.is_empty()) {
            (true, true) => Self::Empty,
            (false, false) => Self::Invalid {
                field: "spec.watch-list.data".into(),
                why: "it holds both a whitelist and a blacklist, and only one may have entries"
                    .into(),
            },
            (false, true) => Self::Whitelist(
                white
                    .into_iter()
                    .map(|entry| Entry {
                        resource: entry.resource,
                        events: entry.events.unwrap_or_default(),
                    })
                    .collect(),
            ),
            (true, false) => Self::Blacklist(black),
        }
    }

    /// The resources that `MeshSync` watches with this list, of those that any API serves.
    ///
    /// Where it falls back to its defaults, these are the stock list: its further default names are no API's.
    pub fn effective(&self, profile: &Profile) -> Vec<String> {
        let defaults = || {
            profile
                .meshsync
                .default_watch_list
                .iter()
                .map(|name| (*name).to_owned())
        };
        match self {
            Self::Whitelist(entries) => {
                entries.iter().map(|entry| entry.resource.clone()).collect()
            }
            Self::Blacklist(without) => defaults().filter(|name| !without.contains(name)).collect(),
            Self::Empty | Self::Invalid { .. } => defaults().collect(),
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(
    data: &serde_json::Map<String, Value>,
    key: &str,
) -> Result<Vec<T>, WatchList> {
    let field = || format!("spec.watch-list.data.{key}");
    let text = match data.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
        Some(Value::String(text)) => text,
        Some(other) => {
            return Err(WatchList::Invalid {
                field: field(),
                why: format!("it is {}, not a string of JSON", kind_of(other)),
            });
        }
    };
    serde_json::from_str::<Option<Vec<T>>>(text)
        .map(Option::unwrap_or_default)
        .map_err(|error| WatchList::Invalid {
            field: field(),
            why: format!("it is not the JSON that MeshSync expects: {error}"),
        })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The resource and group in `plural.version.group`.
pub fn resource_and_group(entry: &str) -> Option<(&str, &str)> {
    let (resource, rest) = entry.split_once('.')?;
    let (_version, group) = rest.split_once('.')?;
    Some((resource, group))
}

/// The rights that watching these resources takes: to list and to watch each.
pub fn rights(resources: &[String]) -> Vec<Right> {
    resources
        .iter()
        .filter_map(|entry| resource_and_group(entry))
        .flat_map(|(resource, group)| {
            ["list", "watch"].map(|verb| Right::to(verb, group, resource))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(list: &Value) -> WatchList {
        let meshsync =
            serde_json::from_value(json!({ "spec": { "watch-list": list } })).expect("a MeshSync");
        WatchList::of(&meshsync)
    }

    #[test]
    fn lists_are_read_as_meshsync_reads_them() {
        let white = read(
            &json!({ "data": { "whitelist": r#"[{"resource":"pods.v1.","Events":["ADDED"]}]"# } }),
        );
        let entry = Entry {
            resource: "pods.v1.".into(),
            events: vec!["ADDED".into()],
        };
        assert_eq!(white, WatchList::Whitelist(vec![entry]));
        assert_eq!(
            read(&json!({ "data": { "whitelist": "[]", "blacklist": r#"["pods.v1."]"# } })),
            WatchList::Blacklist(vec!["pods.v1.".into()])
        );
        assert_eq!(read(&json!({ "metadata": {} })), WatchList::Empty);
        assert_eq!(read(&json!({ "data": {} })), WatchList::Empty);
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for list in [
            json!({ "data": { "whitelist": "not json" } }),
            json!({ "data": { "whitelist": ["pods.v1."] } }),
            json!({ "data": { "blacklist": r#"[{"Resource":"pods.v1."}]"# } }),
            json!({ "data": "text" }),
            json!({ "data": { "whitelist": r#"[{"Resource":"pods.v1."}]"#, "blacklist": r#"["nodes.v1."]"# } }),
        ] {
            assert!(matches!(read(&list), WatchList::Invalid { .. }), "{list}");
        }
    }

    #[test]
    fn entries_come_apart() {
        assert_eq!(resource_and_group("pods.v1."), Some(("pods", "")));
        assert_eq!(
            resource_and_group("ingresses.v1.networking.k8s.io"),
            Some(("ingresses", "networking.k8s.io"))
        );
        assert_eq!(resource_and_group("pods"), None);
    }
}
