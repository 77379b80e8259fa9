//! Compares `MeshSync`'s store with the cluster.

use async_nats::Client;
use serde_json::Value;

use crate::{
    cluster::ask,
    facts::{FlowTest, test_object},
    observe::connectivity::{TestContext, request},
    stack::{
        base::{permission::Permission, seen::Seen},
        watched_kinds,
    },
};

/// Counts the objects in `MeshSync`'s store, and the objects in the API server of each kind that it should have.
pub(crate) async fn count(context: &TestContext<'_>, clients: &[Client], found: &mut FlowTest) {
    (context.progress)("counting MeshSync's store");
    let profile = context.facts.profile;
    found.store = Seen::failed("no broker server accepted the connection");
    for client in clients {
        found.store = request::store(client, profile, context.plan.wait).await;
        if found.store.known().is_some() {
            break;
        }
    }
    for resource in profile.meshsync.default_watch_list {
        if test_object::published(context.facts, resource, &context.facts.target.namespace).is_err() {
            continue;
        }
        let Some(path) = watched_kinds::path_of(resource) else {
            continue;
        };
        let count = of_resource(context, resource, &path).await;
        found.served.insert((*resource).into(), count);
    }
}

/// The number of objects of a resource, without reading more than one.
async fn of_resource(context: &TestContext<'_>, resource: &str, path: &str) -> Seen<u64> {
    let (plural, group) = crate::stack::watch_list::resource_and_group(resource).unwrap_or_default();
    let permission = Permission::to("list", group, plural);
    let answer = context.api.get_metadata(&format!("{path}?limit=1")).await;
    let list = answer.and_then(|body| ask::parse::<Value>(&body));
    ask::seen(list, &permission).map(|list| {
        let here = list["items"].as_array().map_or(0, Vec::len) as u64;
        here + list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0)
    })
}
