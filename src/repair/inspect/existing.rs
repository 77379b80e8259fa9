//! Everything that exists of a stack, for its removal.

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
    /// Everything that exists of a stack, and which other tools manage it.
    ///
    /// With `crds`, also the custom resources of its CRDs in every namespace. With `take_over`, also the records of the
    /// Helm releases that manage objects of this namespace.
    pub async fn existing(&self, profile: &Profile, crds: bool, take_over: bool) -> Found {
        let namespace = self.namespace();
        let wanted = inventory::of(profile, namespace);
        let (seen, (custom, unread), foreign_workloads) = tokio::join!(
            join_all(wanted.iter().map(|entry| self.object(&entry.id))),
            self.custom_resources(profile),
            self.foreign_workloads(profile, &wanted),
        );
        let mut existing: Vec<(StackObject, Seen<Value>)> = wanted.into_iter().zip(seen).collect();
        self.add_named_after_custom_resources(&custom, &mut existing).await;
        self.add_random_leases(profile, &mut existing).await;
        let instances = if crds { self.instances(&existing).await } else { Vec::new() };
        let claims = existing
            .iter()
            .filter_map(|(entry, seen)| {
                let owner = manager::of_live(seen.known()?)?;
                Some((entry.part, owner))
            })
            .chain(custom.iter().filter_map(|(id, live)| {
                let part = Part::of_custom_resource(&id.kind);
                Some((part, manager::of_live(live)?))
            }))
            .collect();
        // Cluster-wide objects may belong to the release of another stack.
        let within = existing.iter().filter(|(entry, _)| entry.id.namespace.is_some());
        let within = within.filter_map(|(_, seen)| seen.known()).chain(custom.iter().map(|(_, live)| live));
        let releases = if take_over { self.releases(within).await } else { Vec::new() };
        let operator_works = existing.iter().any(|(entry, seen)| {
            entry.id.name == profile.operator.deployment
                && entry.id.kind == "Deployment"
                && seen.known().is_some_and(|live| live["status"]["readyReplicas"].as_i64() > Some(0))
        });
        Found { existing, custom, unread, instances, foreign_workloads, operator_works, claims, releases }
    }

    /// A MeshSync CR with another name has a Deployment with that name.
    async fn add_named_after_custom_resources(
        &self,
        custom: &[(Id, Value)],
        existing: &mut Vec<(StackObject, Seen<Value>)>,
    ) {
        let others = custom
            .iter()
            .filter(|(id, _)| id.kind == "MeshSync")
            .map(|(id, _)| Id::of(object::DEPLOYMENT, id.namespace.as_deref(), &id.name))
            .filter(|id| !existing.iter().any(|(known, _)| known.id == *id));
        let seen = join_all(others.map(async |id| {
            let seen = self.object(&id).await;
            let entry = StackObject { part: Part::Meshsync, id, made: true };
            (entry, seen)
        }))
        .await;
        existing.splice(0..0, seen);
    }

    /// The Leases of an operator whose Leases have random names. If they cannot be listed, one entry stands for all.
    async fn add_random_leases(&self, profile: &Profile, existing: &mut Vec<(StackObject, Seen<Value>)>) {
        let Some(pattern) = profile.random_leases() else {
            return;
        };
        let all = Id::of(object::LEASE, Some(self.namespace()), &pattern);
        let permission = Permission::to("list", all.group(), &all.plural).in_namespace(self.namespace());
        let entry = |id: Id| StackObject { part: Part::Operator, id, made: false };
        let leases: Vec<_> = match self.list(&all.collection(), &permission).await {
            Seen::Known(leases) => leases
                .into_iter()
                .filter_map(|lease| {
                    let name = lease["metadata"]["name"].as_str().filter(|name| profile.is_random_lease(name))?;
                    let id = Id { name: name.to_owned(), ..all.clone() };
                    Some((entry(id), Seen::Known(lease)))
                })
                .collect(),
            other => vec![(entry(all), other.map(|_| Value::Null))],
        };
        // After the operator and its permissions, so that it does not write another one.
        let end = existing.iter().rposition(|(entry, _)| entry.part == Part::Operator).map_or(0, |last| last + 1);
        existing.splice(end..end, leases);
    }

    /// The custom resources of the namespace, each in the first version in which it can be read, and those that cannot be
    /// read.
    pub async fn custom_resources(&self, profile: &Profile) -> (Vec<(Id, Value)>, Vec<Failure>) {
        let mut found = Vec::new();
        let mut unread = Vec::new();
        for plural in ["meshsyncs", "brokers"] {
            let mut why = None;
            for question in queries::custom_resources(profile, plural, self.namespace()) {
                // Not every item of a list has its API version; the question has it.
                let Some(version) = question.name.rsplit('.').next() else {
                    continue;
                };
                let api_version = format!("{}/{version}", profile.group);
                let listed = self.list(&question.path, &question.permission).await;
                let listed = self.absent_if_unserved(&api_version, plural, listed);
                let items = match listed.await {
                    Seen::Known(items) => items,
                    // Without the CRD there are none.
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

    /// The custom resources of the existing CRDs, in every namespace.
    async fn instances(&self, existing: &[(StackObject, Seen<Value>)]) -> Vec<(Id, Seen<Vec<Id>>)> {
        let found = existing.iter().filter_map(|(entry, seen)| {
            let is = entry.part == Part::Definitions;
            Some((&entry.id, seen.known().filter(|_| is)?))
        });
        let all = found.map(async |(id, live)| (id.clone(), self.instances_of(live).await));
        join_all(all).await
    }

    /// The custom resources of a CRD, in the first version in which they can be listed: with a dead conversion webhook,
    /// only the stored version can be read.
    async fn instances_of(&self, crd: &Value) -> Seen<Vec<Id>> {
        let spec = &crd["spec"];
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, kind) = (word(&spec["group"]), word(&spec["names"]["kind"]));
        let plural = word(&spec["names"]["plural"]);
        let permission = Permission::to("list", &group, &plural);
        let mut outcome = Seen::Absent;
        for version in object::items(&spec["versions"]) {
            if version["served"] != true {
                continue;
            }
            let api_version = format!("{group}/{}", word(&version["name"]));
            let path = format!("/apis/{api_version}/{plural}?limit={}", queries::PAGE);
            outcome = self.list(&path, &permission).await.map(|items| {
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

    /// Workloads in the namespace that are not among these.
    async fn foreign_workloads(&self, profile: &Profile, ours: &[StackObject]) -> Vec<String> {
        let mut foreign_workloads = Vec::new();
        for kind in [object::DEPLOYMENT, object::STATEFUL_SET] {
            let id = Id::of(kind, Some(self.namespace()), "");
            let permission = Permission::to("list", id.group(), kind.plural).in_namespace(self.namespace());
            let Seen::Known(items) = self.list(&id.collection(), &permission).await else {
                continue;
            };
            foreign_workloads.extend(
                items
                    .iter()
                    .filter(|item| item["metadata"]["labels"]["app"] != profile.name)
                    .filter_map(|item| item["metadata"]["name"].as_str())
                    .filter(|name| !ours.iter().any(|known| known.id.kind == kind.kind && known.id.name == *name))
                    .map(|name| format!("{} {name}", kind.kind)),
            );
        }
        foreign_workloads
    }
}
