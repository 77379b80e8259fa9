//! Writes facts as a Kubernetes `List`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{API_VERSION, REMOTES};
use crate::{
    facts::{
        Facts,
        observed::{self, Object, Observed, Sink, Versions},
    },
    stack::{base::seen::Seen, hub::Generation, profile::Profile},
};

/// The recording of these stacks: an object of ours for each, and the Kubernetes objects of all.
pub fn list(stacks: &[Facts]) -> Value {
    let mut recordings = Vec::new();
    let mut objects: Vec<Value> = Vec::new();
    for facts in stacks {
        let mut items = Items { profile: facts.profile, asked: BTreeMap::new(), objects: Vec::new() };
        observed::write(facts, &mut items);
        items.write_hub(facts);
        let mut recording = object(API_VERSION, "Recording", facts);
        recording.shift_insert(2, "toolVersion".into(), env!("CARGO_PKG_VERSION").into());
        let place = recording.keys().take_while(|key| *key != "elsewhere").count();
        recording.shift_insert(place, "asked".into(), to_value(&items.asked));
        let remotes = facts.hub.iter().flat_map(|hub| &hub.remotes);
        let remotes: Vec<Value> = remotes.map(|remote| list(std::slice::from_ref(remote))).collect();
        if !remotes.is_empty() {
            recording.insert(REMOTES.into(), remotes.into());
        }
        recordings.push(Value::Object(recording));
        // Two stacks in one namespace share its objects.
        let known = objects.len();
        objects.extend(items.objects);
        for number in (known..objects.len()).rev() {
            if objects[..known].contains(&objects[number]) {
                objects.remove(number);
            }
        }
    }
    recordings.append(&mut objects);
    json!({ "apiVersion": "v1", "kind": "List", "items": recordings })
}

struct Items {
    profile: &'static Profile,
    asked: BTreeMap<String, Seen<usize>>,
    objects: Vec<Value>,
}

impl Sink for Items {
    fn one<T: Object>(&mut self, row: &Observed, seen: &Seen<T>) {
        self.asked.insert(row.name.into(), seen.as_ref().map(|_| 1));
        if let Some(item) = seen.known() {
            self.push(row.api_version, row.kind, item);
        }
    }

    fn many<T: Object>(&mut self, row: &Observed, seen: &Seen<Vec<T>>) {
        self.asked.insert(row.name.into(), seen.as_ref().map(Vec::len));
        for item in seen.items() {
            self.push(row.api_version, row.kind, item);
        }
    }

    fn versions<T: Object>(&mut self, row: &Observed, versions: &Versions<T>) {
        for (version, seen) in versions {
            self.asked.insert(row.in_version(version), seen.as_ref().map(Vec::len));
            for item in seen.items() {
                self.push(&format!("{}/{version}", self.profile.group), row.kind, item);
            }
        }
    }
}

impl Items {
    /// The custom resources of Service Mesh Hub.
    fn write_hub(&mut self, facts: &Facts) {
        let Some(hub) = &facts.hub else { return };
        for kind in hub.generation().into_iter().flat_map(Generation::kinds) {
            let seen = hub.of(kind.role);
            self.asked.insert(kind.query(), seen.as_ref().map(Vec::len));
            for item in seen.items() {
                self.push(&kind.api_version, kind.kind, item);
            }
        }
    }

    fn push<T: Serialize>(&mut self, api_version: &str, kind: &str, item: &T) {
        self.objects.push(object(api_version, kind, item).into());
    }
}

/// An object, with its version and kind first.
fn object<T: Serialize>(api_version: &str, kind: &str, item: &T) -> Map<String, Value> {
    let mut object = Map::from_iter([("apiVersion".into(), api_version.into()), ("kind".into(), kind.into())]);
    if let Value::Object(fields) = to_value(item) {
        for (key, value) in fields {
            object.entry(key).or_insert(value);
        }
    }
    object
}

/// Our own and Kubernetes' types can all be written as JSON. If one could not, that would be a bug in this program.
fn to_value<T: Serialize>(item: &T) -> Value {
    serde_json::to_value(item).unwrap_or(Value::Null)
}
