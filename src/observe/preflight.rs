//! Checks everything that an installation would write: an access review for each permission, a server-side dry run for
//! each object. Nothing is changed, because every writing request is a dry run.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use http::StatusCode;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::api::resource::Quantity};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::queries::{self, Query};
use crate::{
    cluster::{
        ask::{ApiClient, ApiError, List, parse, seen},
        change::Change,
        pages::Form,
        reviews,
    },
    facts::{
        Answer, DryRun, Effect, Facts, Node, Preflight, ReviewedPermission,
        difference::{self, Difference},
        dry_run::is_recreated,
        redact, stack,
    },
    stack::{
        base::{permission::Permission, seen::Seen},
        manifests::{self, Object, Options},
        profile::Profile,
        quantity::{self, ResourceAmount},
    },
};

/// The objects that an installation would write. The role lets `MeshSync` read the kinds of the watch-list in use.
pub(super) fn objects(facts: &Facts) -> Vec<Object> {
    let profile = facts.profile;
    let mut objects = manifests::manifests(profile, &facts.target.namespace, &Options::default());
    if let Some(meshsync) = stack::meshsyncs(facts).items().first() {
        manifests::let_read(profile, &mut objects, &meshsync.watch_list(profile).effective(profile));
    }
    objects
}

/// Sends all queries at once.
pub(super) async fn ask(api: &ApiClient<'_>, profile: &Profile, namespace: &str, objects: Vec<Object>) -> Preflight {
    let pods = manifests::pods(profile, namespace);
    let (user, objects, pods, nodes) = tokio::join!(
        user(api),
        join_all(objects.iter().map(|object| applied(api, object))),
        join_all(pods.iter().map(|pod| created(api, pod))),
        nodes(api, profile, namespace),
    );
    Preflight { user, objects, pods, nodes }
}

/// The user that the API server authenticated.
async fn user(api: &ApiClient<'_>) -> Seen<String> {
    let permission = Permission::to("create", "authentication.k8s.io", "selfsubjectreviews");
    seen(reviews::who_am_i(api).await, &permission)
}

/// An object as it would be applied, and the permissions that this needs.
async fn applied(api: &ApiClient<'_>, object: &Object) -> DryRun {
    let apply = async |force| {
        let change = Change::apply(&object.id, &object.body, force);
        answer(api, &change.tried()).await
    };
    let tried = async {
        let (first, after) = apply(false).await;
        let taken = matches!(&first, Seen::Known(answer) if answer.status == 409);
        // Field ownership does not decide whether the server would accept the object.
        let (forced, after) = if taken { apply(true).await } else { (Seen::NotLooked, after) };
        let effect = match after {
            Some(after) => effect(api, object, after, async || apply(taken).await.1).await,
            None => Seen::NotLooked,
        };
        (first, forced, effect)
    };
    let permissions = ["get", "create", "patch"].map(|verb| object.id.permission(verb));
    let (mut permissions, (answer, forced, effect)) =
        tokio::join!(join_all(permissions.iter().map(|permission| may(api, permission))), tried);
    let refusal = forced.known().or(answer.known());
    if effect == Seen::Known(Effect::Recreated)
        || refusal.is_some_and(|why| is_recreated(&object.id.kind, &why.message))
    {
        permissions.push(may(api, &object.id.permission("delete")).await);
    }
    DryRun { permissions, answer, forced, effect, ..trial(object) }
}

/// What applying an existing object would change, compared with the live object. An existing namespace or custom resource
/// is not applied.
async fn effect(
    api: &ApiClient<'_>,
    object: &Object,
    mut after: String,
    again: impl AsyncFn() -> Option<String>,
) -> Seen<Effect> {
    let (id, manifest) = (&object.id, &object.body);
    if matches!(id.kind.as_str(), "Namespace" | "Broker" | "MeshSync") {
        return Seen::NotLooked;
    }
    for _ in 0..difference::COMPARISONS {
        let live = api.get(&id.path()).await.and_then(|body| parse::<Value>(&body));
        let live = match seen(live, &id.permission("get")) {
            Seen::Known(live) => live,
            other => return other.map(|_| Effect::Changed),
        };
        let tried = serde_json::from_str(&after).unwrap_or_default();
        if !difference::is_disturbed(&id.kind, &live, &tried, manifest) {
            return Seen::Known(match difference::of_apply(&id.kind, &live, &tried, manifest) {
                Difference::None => Effect::Unchanged,
                Difference::Changed(_) => Effect::Changed,
                Difference::Recreated(_) => Effect::Recreated,
            });
        }
        match again().await {
            Some(tried) => after = tried,
            None => break,
        }
    }
    Seen::NotLooked
}

/// A pod as a controller would create it.
async fn created(api: &ApiClient<'_>, pod: &Object) -> DryRun {
    let (answer, _) = answer(api, &Change::create(pod).tried()).await;
    DryRun { answer, ..trial(pod) }
}

fn trial(object: &Object) -> DryRun {
    DryRun {
        kind: object.id.kind.clone(),
        namespace: object.id.namespace.clone(),
        name: object.id.name.clone(),
        ..DryRun::default()
    }
}

/// The answer to a dry run, and the object as it would be if it exists.
async fn answer(api: &ApiClient<'_>, dry_run: &Change<'_>) -> (Seen<Answer>, Option<String>) {
    #[derive(Deserialize)]
    struct Status {
        message: Option<String>,
    }
    match api.change(dry_run).await {
        Ok((status, text)) if matches!(status, StatusCode::OK | StatusCode::CREATED) => {
            let after = (status == StatusCode::OK).then_some(text);
            (Seen::Known(Answer { status: status.as_u16(), message: String::new() }), after)
        }
        Ok((status, text)) => {
            let message = serde_json::from_str::<Status>(&text).ok().and_then(|status| status.message).unwrap_or(text);
            let message = match message.trim() {
                "" => format!("it returned {} without a reason", status.as_u16()),
                message => redact::text(message).into_owned(),
            };
            (Seen::Known(Answer { status: status.as_u16(), message }), None)
        }
        Err(failure) => (seen(Err(failure), &Permission::default()), None),
    }
}

/// Whether we have a permission.
async fn may(api: &ApiClient<'_>, permission: &Permission) -> ReviewedPermission {
    ReviewedPermission { permission: permission.clone(), allowed: reviews::may(api, permission).await }
}

/// The nodes, and the resources that other pods on each of them request. The cost grows with the cluster, which is
/// acceptable for a preflight. Each page is reduced to totals before the next one is requested.
async fn nodes(api: &ApiClient<'_>, profile: &Profile, namespace: &str) -> Seen<Vec<Node>> {
    let mut nodes: Vec<Node> = Vec::new();
    let query = queries::nodes();
    let listed = items(api, &query, |node: ListedNode| nodes.push(reduced(node))).await;
    if let Err(failure) = listed {
        return seen(Err(failure), &query.permission);
    }
    let query = queries::pods_everywhere();
    let taken = items(api, &query, |pod: Pod| {
        let Some(spec) = &pod.spec else { return };
        // Resources that the stack itself uses now will be free again.
        if pod.metadata.namespace.as_deref() == Some(namespace) && stack::is_stacks_pod(&pod.metadata, profile) {
            return;
        }
        let on = spec.node_name.as_deref().unwrap_or_default();
        if let Some(node) = nodes.iter_mut().find(|node| node.name == on) {
            node.requested = node.requested.plus(quantity::of_pod(spec));
        }
    })
    .await;
    match taken {
        Ok(()) => Seen::Known(nodes),
        Err(failure) => seen(Err(failure), &query.permission),
    }
}

/// The needed fields of a node. Kubernetes' own type would add a lot to the binary.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedNode {
    metadata: Name,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Name {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    unschedulable: bool,
    taints: Vec<Taint>,
}

#[derive(Deserialize)]
struct Taint {
    key: String,
    value: Option<String>,
    effect: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    conditions: Vec<NodeCondition>,
    allocatable: BTreeMap<String, Quantity>,
}

#[derive(Deserialize)]
struct NodeCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

fn reduced(node: ListedNode) -> Node {
    Node {
        name: node.metadata.name,
        ready: node.status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True"),
        unschedulable: node.spec.unschedulable,
        taints: node
            .spec
            .taints
            .iter()
            .filter(|taint| taint.effect != "PreferNoSchedule")
            .map(|taint| match &taint.value {
                Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
                None => format!("{}:{}", taint.key, taint.effect),
            })
            .collect(),
        allocatable: ResourceAmount::of(Some(&node.status.allocatable)),
        requested: ResourceAmount::default(),
    }
}

/// Every item of a list, page by page.
async fn items<T: DeserializeOwned>(
    api: &ApiClient<'_>,
    query: &Query,
    mut each: impl FnMut(T),
) -> Result<(), ApiError> {
    let read = |page: String| {
        let page: List<T> = parse(&redact::without_managed_fields(&page))?;
        page.items.into_iter().flatten().for_each(&mut each);
        Ok(())
    };
    api.pages(&query.path, Form::Whole, read).await
}
