//! Facts to a Kubernetes `List`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{API_VERSION, Recording};
use crate::{
    facts::{
        Facts,
        observed::{self, Object, Observed, Sink, Versions},
    },
    stack::{base::seen::Seen, profile::Profile},
};

/// The recording of these facts.
pub fn list(facts: &Facts) -> Value {
    let mut items = Items { profile: facts.profile, asked: BTreeMap::new(), objects: Vec::new() };
    observed::write(facts, &mut items);

    let recording = Recording {
        api_version: API_VERSION.into(),
        kind: "Recording".into(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        taken_at: facts.taken_at,
        profile: facts.profile.name.into(),
        target: facts.target.clone(),
        in_cluster: facts.in_cluster,
        obstacle: facts.obstacle.clone(),
        version: facts.version.clone(),
        cluster_id: facts.cluster_id.clone(),
        asked: items.asked,
        elsewhere: facts.elsewhere.clone(),
        token: facts.token.clone(),
        helm: facts.helm.clone(),
        reviews: facts.reviews.clone(),
        served: facts.served.clone(),
        watch_list_config_map: facts.watch_list_config_map.clone(),
        broker: facts.broker.clone(),
        memory: facts.memory.clone(),
        logs: facts.logs.clone(),
        preflight: facts.preflight.clone(),
        test: facts.test.clone(),
        timings: facts.timings.clone(),
    };
    let mut all = vec![to_value(&recording)];
    all.append(&mut items.objects);
    json!({ "apiVersion": "v1", "kind": "List", "items": all })
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
    fn push<T: Serialize>(&mut self, api_version: &str, kind: &str, item: &T) {
        let mut object = json!({ "apiVersion": api_version, "kind": kind });
        if let (Value::Object(object), Value::Object(fields)) = (&mut object, to_value(item)) {
            for (key, value) in fields {
                object.entry(key).or_insert(value);
            }
        }
        self.objects.push(object);
    }
}

/// Our own types and Kubernetes' all have JSON forms; a type that had none would be a fault of this program.
fn to_value<T: Serialize>(item: &T) -> Value {
    serde_json::to_value(item).unwrap_or(Value::Null)
}
