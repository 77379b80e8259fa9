//! What there is of a stack, whole, for those who are about to remove it.

use futures_util::future::join_all;
use serde_json::Value;

use crate::{
    cluster::session::Session,
    observe::queries,
    repair::removal::Found,
    stack::{
        base::{failure::Failure, permission::Permission, seen::Seen},
        inventory::{self, Part, StackObject},
        manager,
        object::{self, Id},
        profile::Profile,
    },
};

impl Session<'_> {
    /// Everything of a stack that is there, and who else lays claim to it.
    ///
    /// With its definitions, where they are asked for, goes whatever they define.
    pub async fn belongings(&self, profile: &Profile, definitions: bool) -> Found {
        let namespace = self.namespace();
        let wanted = inventory::of(profile, namespace);
        let (seen, (custom, unread), foreign_managers) = tokio::join!(
            join_all(wanted.iter().map(|belonging| self.object(&belonging.id))),
            self.custom_resources(profile),
            self.foreign_managers(profile, &wanted),
        );
        let mut belongings: Vec<(StackObject, Seen<Value>)> = wanted.into_iter().zip(seen).collect();
        self.add_named_after_custom_resources(&custom, &mut belongings).await;
        let instances = if definitions { self.instances(&belongings).await } else { Vec::new() };
        let claims = belongings
            .iter()
            .filter_map(|(belonging, seen)| {
                let owner = manager::of_live(seen.known()?)?;
                Some((belonging.part, owner))
            })
            .chain(custom.iter().filter_map(|(id, live)| {
                let part = Part::of_custom_resource(&id.kind);
                Some((part, manager::of_live(live)?))
            }))
            .collect();
        let operator_works = belongings.iter().any(|(belonging, seen)| {
            belonging.id.name == profile.operator.deployment
                && belonging.id.kind == "Deployment"
                && seen.known().is_some_and(|live| live["status"]["readyReplicas"].as_i64() > Some(0))
        });
        Found { belongings, custom, unread, instances, foreign_managers, operator_works, claims }
    }

    /// A `MeshSync` of another name has a Deployment of that name.
    async fn add_named_after_custom_resources(
        &self,
        custom: &[(Id, Value)],
        belongings: &mut Vec<(StackObject, Seen<Value>)>,
    ) {
        let others = custom
            .iter()
            .filter(|(id, _)| id.kind == "MeshSync")
            .map(|(id, _)| Id::of(object::DEPLOYMENT, id.namespace.as_deref(), &id.name))
            .filter(|id| !belongings.iter().any(|(known, _)| known.id == *id));
        let seen = join_all(others.map(async |id| {
            let seen = self.object(&id).await;
            let belonging = StackObject { part: Part::Meshsync, id, made: true };
            (belonging, seen)
        }))
        .await;
        belongings.splice(0..0, seen);
    }

    /// The custom resources of the namespace, each in the first version in which it can be read; and what could not be.
    pub async fn custom_resources(&self, profile: &Profile) -> (Vec<(Id, Value)>, Vec<Failure>) {
        let mut found = Vec::new();
        let mut unread = Vec::new();
        for plural in ["meshsyncs", "brokers"] {
            let mut why = None;
            for question in queries::custom_resources(profile, plural, self.namespace()) {
                // A list's items do not all say what they are; the question does.
                let Some(version) = question.name.rsplit('.').next() else {
                    continue;
                };
                let api_version = format!("{}/{version}", profile.group);
                let listed = self.list(&question.path, &question.permission).await;
                let listed = self.absent_if_unserved(&api_version, plural, listed);
                let items = match listed.await {
                    Seen::Known(items) => items,
                    // Without the definition there are none.
                    Seen::Absent => continue,
                    other => {
                        why = other.into_failure();
                        continue;
                    }
                };
                why = None;
                found.extend(items.into_iter().filter_map(|item| {
                    let id = Id {
                        api_version: api_version.clone(),
                        kind: if plural == "brokers" { "Broker" } else { "MeshSync" }.into(),
                        plural: plural.into(),
                        namespace: Some(self.namespace().to_owned()),
                        name: item["metadata"]["name"].as_str()?.to_owned(),
                    };
                    Some((id, item))
                }));
                break;
            }
            unread.extend(why.map(|why| Failure::new(why.kind, format!("{plural}: {}", why.message))));
        }
        (found, unread)
    }

    /// What the definitions that are there define, in every namespace.
    async fn instances(&self, belongings: &[(StackObject, Seen<Value>)]) -> Vec<(Id, Seen<Vec<Id>>)> {
        let there = belongings.iter().filter_map(|(belonging, seen)| {
            let is = belonging.part == Part::Definitions;
            Some((&belonging.id, seen.known().filter(|_| is)?))
        });
        let all = there.map(async |(id, live)| (id.clone(), self.defined_by(live).await));
        join_all(all).await
    }

    /// The objects of a definition, in the first version in which they can be listed: a dead conversion webhook leaves
    /// but the one in which they are stored.
    async fn defined_by(&self, definition: &Value) -> Seen<Vec<Id>> {
        let spec = &definition["spec"];
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, kind) = (word(&spec["group"]), word(&spec["names"]["kind"]));
        let plural = word(&spec["names"]["plural"]);
        let right = Permission::to("list", &group, &plural);
        let mut outcome = Seen::Absent;
        for version in object::items(&spec["versions"]) {
            if version["served"] != true {
                continue;
            }
            let api_version = format!("{group}/{}", word(&version["name"]));
            let path = format!("/apis/{api_version}/{plural}?limit={}", queries::PAGE);
            outcome = self.list(&path, &right).await.map(|items| {
                let id = |item: &Value| Id {
                    api_version: api_version.clone(),
                    kind: kind.clone(),
                    plural: plural.clone(),
                    namespace: item["metadata"]["namespace"].as_str().map(str::to_owned),
                    name: word(&item["metadata"]["name"]),
                };
                items.iter().map(id).collect()
            });
            if outcome.known().is_some() {
                break;
            }
        }
        outcome
    }

    /// Workloads of the namespace that are none of these.
    async fn foreign_managers(&self, profile: &Profile, ours: &[StackObject]) -> Vec<String> {
        let mut foreign_managers = Vec::new();
        for kind in [object::DEPLOYMENT, object::STATEFUL_SET] {
            let id = Id::of(kind, Some(self.namespace()), "");
            let right = Permission::to("list", id.group(), kind.plural).in_namespace(self.namespace());
            let Seen::Known(items) = self.list(&id.collection(), &right).await else {
                continue;
            };
            foreign_managers.extend(
                items
                    .iter()
                    .filter(|item| item["metadata"]["labels"]["app"] != profile.name)
                    .filter_map(|item| item["metadata"]["name"].as_str())
                    .filter(|name| !ours.iter().any(|known| known.id.kind == kind.kind && known.id.name == *name))
                    .map(|name| format!("{} {name}", kind.kind)),
            );
        }
        foreign_managers
    }
}
