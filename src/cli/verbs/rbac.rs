//! `rbac`: the smallest roles for a command, from the same list of requests that it sends.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

use crate::{
    cli::{
        args::{self, Global, Rbac, Removable},
        exit::Exit,
        terminal::Terminal,
    },
    cluster::{server_access::ServerChoice, session::Opened},
    facts::{network_pod, test_object},
    observe::{Depth, queries},
    repair::{deployment, removal, server},
    stack::{
        base::{permission::Permission, usage::UsageError},
        profile, watch_list,
    },
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// The names of the roles for `check` and for `test`.
const CHECK: &str = "meshdoctor-check";
const TEST: &str = "meshdoctor-test";

pub(crate) async fn run(args: &Rbac, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let namespace = global.namespace(profile);
    let looking = |depth| queries::permissions(profile, namespace, depth);
    let (name, subject, permissions) = match args {
        Rbac::Check(subject) => (CHECK, subject, looking(Depth::Check)),
        Rbac::Status(subject) => ("meshdoctor-status", subject, looking(Depth::Status)),
        Rbac::Preflight(subject) => ("meshdoctor-preflight", subject, looking(Depth::Preflight)),
        Rbac::Test(args) if args.network => {
            let mut permissions = looking(Depth::Check);
            permissions.extend(network_pod::permissions(namespace));
            permissions.sort();
            permissions.dedup();
            ("meshdoctor-test-network", &args.subject, permissions)
        }
        Rbac::Test(args) => {
            let mut permissions = synthetic(profile, namespace, &args.probe);
            if args.store {
                permissions.extend(counting(profile));
            }
            (TEST, &args.subject, permissions)
        }
        Rbac::Redeploy(subject) => {
            let mut permissions = looking(Depth::Preflight);
            permissions.extend(deployment::permissions(profile, namespace));
            permissions.sort();
            permissions.dedup();
            ("meshdoctor-redeploy", subject, permissions)
        }
        Rbac::Reset(args) => {
            let parts = super::reset::parts(Removable::Stack, args.crds, args.delete_namespace);
            let permissions = removal::all_permissions(profile, namespace, &parts);
            ("meshdoctor-reset", &args.subject, permissions)
        }
        Rbac::Server(subject) => {
            let mut permissions = looking(Depth::Check);
            permissions.extend(counting(profile));
            permissions.extend(server::permissions(profile, namespace));
            permissions.sort();
            permissions.dedup();
            ("meshdoctor-server", subject, permissions)
        }
    };
    let subject = resolve(subject, global, terminal).await?;
    let objects = objects(name, namespace, &permissions, &subject);
    terminal.answer(&super::stream(&objects, global.output))?;
    Ok(Exit::Ok)
}

/// What meshdoctor's own `ServiceAccount` needs for `check`, or for `check --synthetic`.
pub(crate) fn of_monitor(profile: &profile::Profile, namespace: &str, flow: bool, account: &str) -> Vec<Value> {
    let subject = service_account(namespace, account);
    let (name, permissions) = if flow {
        (TEST, synthetic(profile, namespace, &args::Probe::default()))
    } else {
        (CHECK, queries::permissions(profile, namespace, Depth::Check))
    };
    objects(name, namespace, &permissions, &subject)
}

/// The permissions for `test dataflow` and `check --synthetic`.
fn synthetic(profile: &profile::Profile, namespace: &str, probe: &args::Probe) -> Vec<Permission> {
    let mut permissions = queries::permissions(profile, namespace, Depth::Check);
    let kind = super::test::kind(probe).unwrap_or(&test_object::KINDS[0]);
    permissions.extend(kind.permissions(probe.probe_namespace.as_deref().unwrap_or(namespace)));
    permissions
}

/// The permissions to count the objects that `MeshSync` watches.
fn counting(profile: &profile::Profile) -> Vec<Permission> {
    let mut permissions = watch_list::permissions(&watch_list::stock_without(&[], profile));
    permissions.retain(|permission| permission.verb == "list");
    permissions
}

/// The subject that gets the permissions.
async fn resolve(subject: &args::Subject, global: &Global, terminal: &Terminal) -> anyhow::Result<Subject> {
    let named = |kind: &str, name: &str| Subject {
        api_group: Some(RBAC.into()),
        kind: kind.into(),
        name: name.into(),
        namespace: None,
    };
    if let Some(user) = &subject.to_user {
        return Ok(named("User", user));
    }
    if let Some(group) = &subject.to_group {
        return Ok(named("Group", group));
    }
    if let Some(account) = &subject.to_serviceaccount {
        let (namespace, name) = account
            .split_once(':')
            .ok_or_else(|| UsageError::new(format!("--to-serviceaccount must be NAMESPACE:NAME, not \"{account}\"")))?;
        return Ok(service_account(namespace, name));
    }
    let ask = async |opened: Opened<'_>| match opened {
        Opened::Session(session) => match session.check_reachable().await {
            Ok(()) => session.who_am_i().await,
            Err(why) => Err(why),
        },
        Opened::Obstacle(facts) => Err(facts.obstacle.map(|obstacle| obstacle.message.into()).unwrap_or_default()),
    };
    let user = super::connected_beside(ServerChoice::default(), global, terminal, global.timeout, ask).await?;
    let user = user.map_err(|why| {
        anyhow::anyhow!(
            "cannot ask the cluster for the current user ({why}); name the subject with --to-user, --to-group or --to-serviceaccount"
        )
    })?;
    Ok(match user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) => service_account(namespace, name),
        None => named("User", &user),
    })
}

fn service_account(namespace: &str, name: &str) -> Subject {
    Subject { api_group: None, kind: "ServiceAccount".into(), name: name.into(), namespace: Some(namespace.into()) }
}

/// The objects in the order in which they must be applied.
fn objects(name: &str, namespace: &str, permissions: &[Permission], subject: &Subject) -> Vec<Value> {
    let (within, across): (Vec<&Permission>, Vec<&Permission>) =
        permissions.iter().partition(|permission| permission.namespace.is_some());
    // The stack's own namespace first, then others, such as that of a test's object.
    let mut places: BTreeMap<(bool, &str), Vec<&Permission>> = BTreeMap::new();
    for permission in within {
        let place = permission.namespace.as_deref().unwrap_or(namespace);
        let permissions = places.entry((place != namespace, place)).or_default();
        permissions.push(permission);
    }
    let metadata = |namespace: Option<&str>| ObjectMeta {
        name: Some(name.into()),
        namespace: namespace.map(str::to_owned),
        ..ObjectMeta::default()
    };
    let reference = |kind: &str| RoleRef { api_group: RBAC.into(), kind: kind.into(), name: name.into() };
    let mut objects = vec![
        value(&ClusterRole { metadata: metadata(None), rules: Some(rules(&across)), ..ClusterRole::default() }),
        value(&ClusterRoleBinding {
            metadata: metadata(None),
            role_ref: reference("ClusterRole"),
            subjects: Some(vec![subject.clone()]),
        }),
    ];
    for ((_, place), permissions) in places {
        objects.push(value(&Role { metadata: metadata(Some(place)), rules: Some(rules(&permissions)) }));
        objects.push(value(&RoleBinding {
            metadata: metadata(Some(place)),
            role_ref: reference("Role"),
            subjects: Some(vec![subject.clone()]),
        }));
    }
    objects
}

/// The permissions as the smallest number of rules. A permission for one object is never widened to all objects or to other
/// verbs.
fn rules(permissions: &[&Permission]) -> Vec<PolicyRule> {
    // Group verbs by object, then objects by verbs, then resources by both.
    let mut verbs: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
    for permission in permissions {
        let entry =
            verbs.entry((permission.group.clone(), permission.full_resource(), permission.name.clone())).or_default();
        if !entry.contains(&permission.verb) {
            entry.push(permission.verb.clone());
        }
    }
    let mut objects: BTreeMap<(String, String, Vec<String>, bool), Vec<String>> = BTreeMap::new();
    for ((group, resource, name), verbs) in verbs {
        let entry = objects.entry((group, resource, verbs, name.is_some())).or_default();
        entry.extend(name);
    }
    let mut grouped: BTreeMap<(String, Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    for ((group, resource, verbs, _), names) in objects {
        grouped.entry((group, verbs, names)).or_default().push(resource);
    }
    grouped
        .into_iter()
        .map(|((group, verbs, names), resources)| PolicyRule {
            api_groups: Some(vec![group]),
            resources: Some(resources),
            resource_names: (!names.is_empty()).then_some(names),
            verbs,
            ..PolicyRule::default()
        })
        .collect()
}

fn value<T: serde::Serialize>(object: &T) -> Value {
    serde_json::to_value(object).unwrap_or(Value::Null)
}
