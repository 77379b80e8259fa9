//! Facts to a Kubernetes `List`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    API_VERSION, Recording,
    kinds::{self, Kind},
};
use crate::{facts::Facts, stack::base::seen::Seen};

/// The recording of these facts.
pub fn list(facts: &Facts) -> Value {
    let mut items = Items::default();
    items.one(kinds::NAMESPACE, &facts.namespace);
    items.one(
        ("crd/broker", kinds::CRDS.1, kinds::CRDS.2),
        &facts.broker_crd,
    );
    items.one(
        ("crd/meshsync", kinds::CRDS.1, kinds::CRDS.2),
        &facts.meshsync_crd,
    );
    items.many(
        ("crd/former", kinds::CRDS.1, kinds::CRDS.2),
        &facts.former_crds,
    );
    for (version, brokers) in &facts.brokers {
        items.custom(facts, "brokers", version, "Broker", brokers);
    }
    for (version, meshsyncs) in &facts.meshsyncs {
        items.custom(facts, "meshsyncs", version, "MeshSync", meshsyncs);
    }
    items.many(kinds::DEPLOYMENTS, &facts.deployments);
    items.many(kinds::STATEFULSETS, &facts.statefulsets);
    items.many(kinds::REPLICASETS, &facts.replicasets);
    items.many(kinds::PODS, &facts.pods);
    items.many(kinds::SERVICES, &facts.services);
    items.many(kinds::ENDPOINTSLICES, &facts.endpointslices);
    items.many(kinds::NETWORKPOLICIES, &facts.networkpolicies);
    items.many(kinds::EVENTS, &facts.events);
    items.one(kinds::LEASE, &facts.lease);
    items.many(kinds::CLUSTER_ROLES, &facts.rbac.cluster_roles);
    items.many(
        kinds::CLUSTER_ROLE_BINDINGS,
        &facts.rbac.cluster_role_bindings,
    );
    items.many(kinds::ROLES, &facts.rbac.roles);
    items.many(kinds::ROLE_BINDINGS, &facts.rbac.role_bindings);

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

#[derive(Default)]
struct Items {
    asked: BTreeMap<String, Seen<usize>>,
    objects: Vec<Value>,
}

impl Items {
    fn many<T: Serialize>(&mut self, (name, api_version, kind): Kind, seen: &Seen<Vec<T>>) {
        self.asked.insert(name.into(), seen.as_ref().map(Vec::len));
        for item in seen.items() {
            self.push(api_version, kind, item);
        }
    }

    fn one<T: Serialize>(&mut self, (name, api_version, kind): Kind, seen: &Seen<T>) {
        self.asked.insert(name.into(), seen.as_ref().map(|_| 1));
        if let Some(item) = seen.known() {
            self.push(api_version, kind, item);
        }
    }

    fn custom<T: Serialize>(
        &mut self,
        facts: &Facts,
        plural: &str,
        version: &str,
        kind: &str,
        seen: &Seen<Vec<T>>,
    ) {
        self.asked
            .insert(format!("{plural}.{version}"), seen.as_ref().map(Vec::len));
        for item in seen.items() {
            self.push(&format!("{}/{version}", facts.profile.group), kind, item);
        }
    }

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
