//! `MeshSync`'s watch-list, parsed as `MeshSync` parses it, and its effect. Pure.
//!
//! The list is an embedded `ConfigMap` whose data are JSON in strings: `whitelist`, an array of objects, or
//! `blacklist`, an array of strings. If both are missing, both are present, or one is malformed, `MeshSync` uses its
//! defaults, with which no version up to 1.0.3 publishes anything. A whitelist only selects from `MeshSync`'s own
//! table.

use semver::Version;
use serde_json::{Map, Value, json, value::RawValue};

use crate::stack::{base::permission::Permission, profile::Profile, watched_kinds::GLOBAL};

/// The event types, spelled as they must be.
pub const EVENTS: [&str; 3] = ["ADDED", "MODIFIED", "DELETED"];

/// A position in the text of a list. Both numbers start at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `plural.version.group`. The group is empty for the core group: `pods.v1.`.
    pub resource: String,
    /// The event types as written. Entries of a blacklist have none.
    pub events: Vec<String>,
    /// Where the entry begins.
    pub place: Place,
}

impl Entry {
    /// The event types of the entry that `MeshSync` publishes.
    pub fn published(&self) -> Vec<&'static str> {
        EVENTS.into_iter().filter(|event| self.events.iter().any(|written| written == event)).collect()
    }

    /// The event types of the entry that it does not publish.
    pub fn missing(&self) -> Vec<&'static str> {
        EVENTS.into_iter().filter(|event| !self.events.iter().any(|written| written == event)).collect()
    }
}

/// A group of kinds that `MeshSync` starts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Most of these kinds have no namespace.
    Global,
    /// All other kinds.
    Local,
}

impl Group {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Local => "local",
        }
    }

    /// A kind of it that rarely changes.
    pub fn quiet_kind(self) -> &'static str {
        match self {
            Self::Global => "namespaces.v1.",
            Self::Local => "storageclasses.v1.storage.k8s.io",
        }
    }
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}{}: {why}", .place.map(|place| format!(", {place}")).unwrap_or_default())]
pub struct Invalid {
    /// The field's path.
    pub field: String,
    /// The position in its text.
    pub place: Option<Place>,
    /// What is wrong.
    pub why: String,
    /// The entries of the whitelist that was probably meant.
    pub instead: Option<Vec<String>>,
}

impl Invalid {
    fn new(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.into(), place: None, why: why.into(), instead: None }
    }
}

/// An element that `MeshSync`'s decoder rejects.
#[derive(Debug, thiserror::Error)]
#[error("{what} {found}, {wanted}")]
struct WrongType {
    what: &'static str,
    found: &'static str,
    wanted: &'static str,
}

impl WrongType {
    fn new(what: &'static str, found: &Value, wanted: &'static str) -> Self {
        Self { what, found: kind_of(found), wanted }
    }
}

/// The content of a watch-list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchList {
    /// Only these resources.
    Whitelist(Vec<Entry>),
    /// All but these resources.
    Blacklist(Vec<Entry>),
    /// Both lists are empty.
    Empty,
    /// It cannot be read.
    Invalid(Invalid),
}

impl WatchList {
    /// Reads the data of the `ConfigMap` at `path`.
    pub fn of_data(data: Option<&Value>, path: &str, profile: &Profile) -> Self {
        let data = match data {
            None | Some(Value::Null) => return Self::Empty,
            Some(Value::Object(data)) => data,
            Some(other) => {
                let why = format!("it is {}, not a map of strings", kind_of(other));
                return Self::Invalid(Invalid::new(path, why));
            }
        };
        let read = |key: &str, element: Element| {
            let field = format!("{path}.{key}");
            text_of(data, key, &field).and_then(|text| match text {
                Some(text) => parse(text, &field, element, profile),
                None => Ok(Vec::new()),
            })
        };
        let (white, black) = match (read("whitelist", whitelisted), read("blacklist", blacklisted)) {
            (Err(invalid), _) | (_, Err(invalid)) => return Self::Invalid(invalid),
            (Ok(white), Ok(black)) => (white, black),
        };
        match (white.is_empty(), black.is_empty()) {
            (true, true) => Self::Empty,
            (false, false) => Self::Invalid(Invalid::new(
                path,
                "it has both a whitelist and a blacklist, but only one of them may have entries",
            )),
            (false, true) => Self::Whitelist(white),
            (true, false) => Self::Blacklist(black),
        }
    }

    /// The resources that `MeshSync` watches with this list, if the cluster serves them.
    ///
    /// If it uses its defaults, these are those of the stock list: its other default names are not served by any
    /// cluster.
    pub fn effective(&self, profile: &Profile) -> Vec<String> {
        let names = |entries: &[Entry], name: &str| entries.iter().any(|e| e.resource == name);
        profile
            .meshsync
            .default_watch_list
            .iter()
            .filter(|name| match self {
                Self::Whitelist(entries) => names(entries, name),
                Self::Blacklist(without) => !names(without, name),
                Self::Empty | Self::Invalid(_) => true,
            })
            .map(|name| (*name).to_owned())
            .collect()
    }

    /// The entries of a whitelist that `MeshSync` watches.
    pub fn watched<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = &'a Entry> {
        let entries = match self {
            Self::Whitelist(entries) => entries.as_slice(),
            _ => &[],
        };
        let table = profile.meshsync.default_watch_list;
        entries.iter().filter(move |entry| table.contains(&entry.resource.as_str()))
    }

    /// The group of which `MeshSync` watches no kind, if the old `MeshSync` panics because of that. It starts the kinds of
    /// each group together, and expects a result of both groups. Without any kind, it uses its defaults instead.
    pub fn group_without_kinds(&self, profile: &Profile) -> Option<Group> {
        if profile.has_current_line() {
            return None;
        }
        let (global, local): (Vec<&Entry>, Vec<&Entry>) =
            self.watched(profile).partition(|entry| GLOBAL.contains(&entry.resource.as_str()));
        match (global.is_empty(), local.is_empty()) {
            (true, false) => Some(Group::Global),
            (false, true) => Some(Group::Local),
            _ => None,
        }
    }

    /// Whether it is a whitelist of exactly the stock entries, each with every event type.
    pub fn is_stock(&self, profile: &Profile) -> bool {
        let table = profile.meshsync.default_watch_list;
        matches!(self, Self::Whitelist(entries) if entries.len() == table.len()
            && entries.iter().all(|entry| entry.missing().is_empty()
                && table.contains(&entry.resource.as_str())))
    }

    /// Whether it has entries beyond the stock entries, which every cluster serves.
    pub fn has_more_than_stock(&self, profile: &Profile) -> bool {
        let table = profile.meshsync.default_watch_list;
        match self {
            Self::Whitelist(entries) => {
                entries.iter().any(|entry| is_well_formed(&entry.resource) && !table.contains(&entry.resource.as_str()))
            }
            _ => false,
        }
    }

    /// Why `MeshSync` of this version publishes nothing with this list in any cluster. `None` if it publishes.
    pub fn silence(&self, version: Option<&str>, profile: &Profile) -> Option<&'static str> {
        if matches!(self, Self::Whitelist(_)) {
            return None;
        }
        if !profile.has_current_line() {
            return Some(match self {
                // It compares them with ADDED, MODIFIED and DELETED.
                Self::Blacklist(_) => {
                    "the entries of that list get the event types ADD, UPDATE and DELETE, which do not exist"
                }
                _ => "the entries of that list have no event types",
            });
        }
        let release = version.and_then(release);
        Some(match release {
            Some(release) if release < Version::new(1, 0, 2) => {
                "before 1.0.2, the entries of that list have no event types"
            }
            _ => {
                "that list contains service.apis, which is not a resource name. Setup stops there with code 1005, \
                 \"gvr not found\""
            }
        })
    }
}

/// What `MeshSync` publishes if it uses its built-in list.
pub fn published_by_default(profile: &Profile) -> &'static str {
    if profile.has_current_line() { "nothing" } else { "nothing but the kinds of CRDs" }
}

/// The release in an image's tag. `None` for a moving tag.
pub fn release(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// The stock list without these entries.
pub fn stock_without(without: &[String], profile: &Profile) -> Vec<String> {
    profile
        .meshsync
        .default_watch_list
        .iter()
        .filter(|name| !without.iter().any(|entry| entry == *name))
        .map(|name| (*name).to_owned())
        .collect()
}

/// The text of a whitelist with these resources and every event type.
pub fn whitelist(resources: &[String]) -> String {
    let entries: Vec<Value> = resources.iter().map(|name| json!({ "Resource": name, "Events": EVENTS })).collect();
    Value::Array(entries).to_string()
}

/// The merge patch that replaces the watch-list of any `MeshSync` CR with a whitelist.
pub fn patch(resources: &[String]) -> Value {
    let data = json!({ "blacklist": null, "whitelist": whitelist(resources) });
    json!({ "spec": { "watch-list": { "data": data } } })
}

fn text_of<'a>(data: &'a Map<String, Value>, key: &str, field: &str) -> Result<Option<&'a str>, Invalid> {
    match data.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Invalid::new(field, format!("it is {}, not a string of JSON", kind_of(other)))),
    }
}

/// Parses one element, or returns why `MeshSync`'s decoder rejects it.
type Element = fn(&Value) -> Result<(String, Vec<String>), WrongType>;

fn parse(text: &str, field: &str, element: Element, profile: &Profile) -> Result<Vec<Entry>, Invalid> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = Place { line: error.line(), column: error.column().max(1) };
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(s, _)| s);
        Invalid { place: Some(place), ..Invalid::new(field, format!("it is not JSON: {said}")) }
    })?;
    let elements = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(elements) => elements,
        other => {
            let why = format!("it is {}, where MeshSync expects an array", kind_of(&other));
            return Err(Invalid::new(field, why));
        }
    };
    let places = places(text);
    let place = |n: usize| places.get(n).copied().unwrap_or_default();
    elements
        .iter()
        .enumerate()
        .map(|(n, value)| match element(value) {
            Ok((resource, events)) => Ok(Entry { resource, events, place: place(n) }),
            Err(why) => Err(Invalid {
                place: Some(place(n)),
                instead: meant(&elements, field, profile),
                ..Invalid::new(field, why.to_string())
            }),
        })
        .collect()
}

/// The whitelist that was probably meant by elements in the form of the other list.
fn meant(elements: &[Value], field: &str, profile: &Profile) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = elements
        .iter()
        .map(|element| match element {
            Value::String(name) => Some(name.clone()),
            Value::Object(object) => Some(any_case(object, "resource")?.as_str()?.to_owned()),
            _ => None,
        })
        .collect();
    if field.ends_with("blacklist") { Some(stock_without(&names?, profile)) } else { names }
}

/// `MeshSync`'s decoder ignores the case of keys.
fn any_case<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn whitelisted(element: &Value) -> Result<(String, Vec<String>), WrongType> {
    let object = match element {
        Value::Null => return Ok((String::new(), Vec::new())),
        Value::Object(object) => object,
        other => {
            let wanted = "where MeshSync expects {\"Resource\": …, \"Events\": […]}";
            return Err(WrongType::new("this entry is", other, wanted));
        }
    };
    let resource = match any_case(object, "resource") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) => name.clone(),
        Some(other) => {
            return Err(WrongType::new("Resource is", other, "not a string"));
        }
    };
    let events = match any_case(object, "events") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(events)) => events
            .iter()
            .map(|event| match event {
                Value::String(event) => Ok(event.clone()),
                Value::Null => Ok(String::new()),
                other => Err(WrongType::new("Events contains", other, "not only strings")),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(WrongType::new("Events is", other, "not an array of strings"));
        }
    };
    Ok((resource, events))
}

fn blacklisted(element: &Value) -> Result<(String, Vec<String>), WrongType> {
    match element {
        Value::Null => Ok((String::new(), Vec::new())),
        Value::String(name) => Ok((name.clone(), Vec::new())),
        Value::Object(_) => Err(WrongType {
            what: "this entry is",
            found: "an object, as in older guides",
            wanted: "where MeshSync expects a plain name",
        }),
        other => Err(WrongType::new("this entry is", other, "where MeshSync expects a string")),
    }
}

/// Where each element of a JSON array begins. The text is known to be valid JSON.
fn places(text: &str) -> Vec<Place> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut place = Place { line: 1, column: 1 };
    let mut rest = text;
    let place_of = |element: &RawValue| {
        let (before, from) = rest.split_at(element.get().as_ptr().addr() - rest.as_ptr().addr());
        for c in before.chars() {
            place = match c {
                '\n' => Place { line: place.line + 1, column: 1 },
                _ => Place { column: place.column + 1, ..place },
            };
        }
        rest = from;
        place
    };
    elements.into_iter().map(place_of).collect()
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

/// Whether an entry has the form `plural.version.group`.
pub fn is_well_formed(entry: &str) -> bool {
    let mut parts = entry.splitn(3, '.');
    let filled = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
    filled(parts.next()) && filled(parts.next()) && parts.next().is_some()
}

/// The resource and group in `plural.version.group`.
pub fn resource_and_group(entry: &str) -> Option<(&str, &str)> {
    let (resource, rest) = entry.split_once('.')?;
    let (_version, group) = rest.split_once('.')?;
    Some((resource, group))
}

/// The permissions needed to watch these resources: `list` and `watch` for each.
pub fn permissions(resources: &[String]) -> Vec<Permission> {
    resources
        .iter()
        .filter_map(|entry| resource_and_group(entry))
        .flat_map(|(resource, group)| ["list", "watch"].map(|verb| Permission::to(verb, group, resource)))
        .collect()
}

#[cfg(test)]
mod tests;
