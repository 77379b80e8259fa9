//! Compares `MeshSync`'s store with the cluster.

use async_nats::Client;

use crate::{
    cluster::ask,
    facts::{FlowTest, test_object},
    observe::{
        connectivity::{TestContext, request},
        count,
    },
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
    match ask::seen(count::count(context.api, path).await, &permission) {
        Seen::Known(Some(number)) => Seen::Known(number),
        Seen::Known(None) => Seen::failed("the API server does not say how many there are"),
        other => other.map(|_| 0),
    }
}
