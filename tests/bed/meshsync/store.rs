//! The objects that MeshSync knows, by kind, as last seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the real MeshSync withholds the store after it has listed the last kind.
const WITHHELD: Duration = Duration::from_secs(5);

/// The objects of each kind, by namespace and name.
#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<Kinds>);

#[derive(Debug, Default)]
struct Kinds {
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    missing: BTreeSet<String>,
    complete_since: Option<Instant>,
}

impl Store {
    /// Clears the store; these kinds have not been listed yet.
    pub(crate) fn reset<'a>(&self, kinds: impl Iterator<Item = &'a str>) {
        let mut all = self.lock();
        all.objects.clear();
        all.missing = kinds.map(str::to_owned).collect();
    }

    /// Stores a list, and returns the changes: event type and object.
    pub(crate) fn list(&self, kind: &str, items: Vec<Value>) -> Vec<(&'static str, Value)> {
        let mut kinds = self.lock();
        kinds.missing.remove(kind);
        if kinds.missing.is_empty() {
            kinds.complete_since.get_or_insert_with(Instant::now);
        }
        let mut old = kinds.objects.remove(kind).unwrap_or_default();
        let mut new = BTreeMap::new();
        let mut changes = Vec::new();
        for item in items {
            let key = key(&item);
            match old.remove(&key) {
                None => changes.push(("ADDED", item.clone())),
                Some(before) if version(&before) != version(&item) => {
                    changes.push(("MODIFIED", item.clone()));
                }
                Some(_) => {}
            }
            new.insert(key, item);
        }
        changes.extend(old.into_values().map(|object| ("DELETED", object)));
        kinds.objects.insert(kind.to_owned(), new);
        changes
    }

    /// Stores an existing object, and returns the event type; `None` if the object has not changed.
    pub(crate) fn put(&self, kind: &str, object: &Value) -> Option<&'static str> {
        let mut kinds = self.lock();
        let objects = kinds.objects.entry(kind.to_owned()).or_default();
        match objects.insert(key(object), object.clone()) {
            None => Some("ADDED"),
            Some(before) => (version(&before) != version(object)).then_some("MODIFIED"),
        }
    }

    /// Removes an object.
    pub(crate) fn remove(&self, kind: &str, object: &Value) {
        if let Some(objects) = self.lock().objects.get_mut(kind) {
            objects.remove(&key(object));
        }
    }

    /// All objects, or none until some time after all kinds have been listed. As with the real MeshSync, a kind that
    /// cannot be listed blocks all others.
    pub(crate) fn all(&self) -> Vec<Value> {
        let kinds = self.lock();
        if kinds.complete_since.is_none_or(|since| since.elapsed() < WITHHELD) {
            return Vec::new();
        }
        let objects = kinds.objects.values().flat_map(BTreeMap::values);
        objects.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kinds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(object: &Value) -> String {
    let text = |field| object["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}
