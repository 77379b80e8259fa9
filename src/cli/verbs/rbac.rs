//! `rbac`: the smallest roles that a command needs, from the very list of questions that it asks.

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
    cluster::session::Opened,
    facts::test_object,
    observe::{Depth, queries},
    repair::{deployment, removal},
    stack::{
        base::{permission::Permission, usage::UsageError},
        profile, watch_list,
    },
};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) async fn run(args: &Rbac, global: &Global, terminal: &Terminal) -> anyhow::Result<Exit> {
    let profile = super::profile(global).unwrap_or(&profile::MESHERY);
    let namespace = global.namespace(profile);
    let looking = |depth| queries::permissions(profile, namespace, depth);
    let (name, subject, rights) = match args {
        Rbac::Check(subject) => ("meshdoctor-check", subject, looking(Depth::Check)),
        Rbac::Status(subject) => ("meshdoctor-status", subject, looking(Depth::Status)),
        Rbac::Preflight(subject) => ("meshdoctor-preflight", subject, looking(Depth::Preflight)),
        Rbac::Test(args) => {
            let mut rights = looking(Depth::Check);
            let kind = super::test::kind(&args.probe).unwrap_or(&test_object::KINDS[0]);
            let place = args.probe.probe_namespace.as_deref().unwrap_or(namespace);
            rights.extend(kind.permissions(place));
            if args.store {
                rights.extend(counting(profile));
            }
            ("meshdoctor-test", &args.subject, rights)
        }
        Rbac::Redeploy(subject) => {
            let mut rights = looking(Depth::Preflight);
            rights.extend(deployment::rights(profile, namespace));
            rights.sort();
            rights.dedup();
            ("meshdoctor-redeploy", subject, rights)
        }
        Rbac::Reset(args) => {
            let parts = super::reset::parts(Removable::Stack, args.crds, args.delete_namespace);
            let rights = removal::most_rights(profile, namespace, &parts);
            ("meshdoctor-reset", &args.subject, rights)
        }
    };
    let subject = resolve(subject, global, terminal).await?;
    let objects = objects(name, namespace, &rights, &subject);
    terminal.answer(&super::stream(&objects, global.output))?;
    Ok(Exit::Ok)
}

/// The rights that counting what `MeshSync` watches takes.
fn counting(profile: &profile::Profile) -> Vec<Permission> {
    let mut rights = watch_list::permissions(&watch_list::stock_without(&[], profile));
    rights.retain(|right| right.verb == "list");
    rights
}

/// Who is to get the rights.
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
            .ok_or_else(|| UsageError::new(format!("--to-serviceaccount takes NAMESPACE:NAME, not \"{account}\"")))?;
        return Ok(service_account(namespace, name));
    }
    let ask = async |opened: Opened<'_>| match opened {
        Opened::Session(session) => match session.check_reachable().await {
            Ok(()) => session.who_am_i().await,
            Err(why) => Err(why),
        },
        Opened::Obstacle(facts) => Err(facts.obstacle.map(|obstacle| obstacle.message.into()).unwrap_or_default()),
    };
    let user = super::connected(global, terminal, global.timeout, ask).await?;
    let user = user.map_err(|why| {
        anyhow::anyhow!(
            "the cluster could not be asked who we are ({why}); say who is to get the rights with --to-user, --to-group or --to-serviceaccount"
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

/// The objects, in the order in which to apply them.
fn objects(name: &str, namespace: &str, rights: &[Permission], subject: &Subject) -> Vec<Value> {
    let (within, across): (Vec<&Permission>, Vec<&Permission>) =
        rights.iter().partition(|right| right.namespace.is_some());
    // The stack's own namespace first, then others, such as that of a test's object.
    let mut places: BTreeMap<(bool, &str), Vec<&Permission>> = BTreeMap::new();
    for right in within {
        let place = right.namespace.as_deref().unwrap_or(namespace);
        let rights = places.entry((place != namespace, place)).or_default();
        rights.push(right);
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
    for ((_, place), rights) in places {
        objects.push(value(&Role { metadata: metadata(Some(place)), rules: Some(rules(&rights)) }));
        objects.push(value(&RoleBinding {
            metadata: metadata(Some(place)),
            role_ref: reference("Role"),
            subjects: Some(vec![subject.clone()]),
        }));
    }
    objects
}

/// Rights to as few rules as say the same. A right to one object is never widened to all, nor to other verbs.
fn rules(rights: &[&Permission]) -> Vec<PolicyRule> {
    // Verbs by object first, then objects by verbs, then resources by both.
    let mut verbs: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
    for right in rights {
        let entry = verbs.entry((right.group.clone(), right.full_resource(), right.name.clone())).or_default();
        if !entry.contains(&right.verb) {
            entry.push(right.verb.clone());
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
