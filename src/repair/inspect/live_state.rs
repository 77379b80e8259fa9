//! The live state of a stack, and dry runs of its desired state. Nothing is changed.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::Value;

use crate::{
    cluster::{
        change::Change,
        session::{Answer, Session},
    },
    facts::{difference, dry_run::is_of_schema, stack},
    observe::queries,
    repair::deployment::{DryRun, LiveState, Tried},
    stack::{
        base::seen::Seen,
        inventory, manager,
        manifests::Object,
        object::{self, Id},
        profile::Profile,
    },
};

impl Session<'_> {
    /// Reads every object of the installation, tries each in a dry run, and finds its managers.
    pub async fn live_state(&self, profile: &Profile, objects: Vec<Object>, take_over: bool) -> LiveState {
        let wanted = inventory::of(profile, self.namespace());
        let (mut tried, seen) = tokio::join!(
            join_all(objects.into_iter().map(|object| self.tried(object))),
            join_all(wanted.iter().map(|entry| self.object(&entry.id))),
        );
        self.ungranted(&mut tried).await;
        let existing: Vec<_> = wanted.into_iter().zip(seen).collect();
        // The namespace is not changed, so its manager does not matter.
        let managed = || {
            tried
                .iter()
                .filter(|tried| tried.object.id.kind != object::NAMESPACE.kind)
                .filter_map(|tried| tried.live.known())
        };
        let owners = managed().filter_map(manager::of_live).collect();
        let releases = if take_over { self.releases(managed()).await } else { Vec::new() };
        let elsewhere = self.elsewhere_bound(&tried).await;
        LiveState { elsewhere, objects: tried, existing, owners, releases, findings: Vec::new() }
    }

    /// The namespace of another stack that the cluster-wide bindings refer to.
    async fn elsewhere_bound(&self, tried: &[Tried]) -> Option<String> {
        let subjects = tried
            .iter()
            .filter(|tried| tried.object.id.kind == object::CLUSTER_ROLE_BINDING.kind)
            .filter_map(|tried| tried.live.known()?["subjects"].as_array())
            .flatten()
            .filter(|subject| subject["kind"] == object::SERVICE_ACCOUNT.kind);
        for subject in subjects {
            let (Some(namespace), Some(name)) = (subject["namespace"].as_str(), subject["name"].as_str()) else {
                continue;
            };
            if namespace == self.namespace() {
                continue;
            }
            let account = Id::of(object::SERVICE_ACCOUNT, Some(namespace), name);
            // A deleted account needs no permissions.
            if !self.object(&account).await.is_absent() {
                return Some(namespace.to_owned());
            }
        }
        None
    }

    /// The Secrets of the Helm releases that these objects belong to; only their metadata is read.
    pub(super) async fn releases(&self, objects: impl Iterator<Item = &Value>) -> Vec<(Id, String)> {
        let releases: BTreeSet<(String, String)> = objects
            .filter_map(manager::metadata)
            .filter_map(|metadata| stack::release_of(&metadata, self.namespace()))
            .collect();
        let mut secrets = Vec::new();
        for (release, namespace) in releases {
            let question = queries::helm(&release, &namespace);
            let items = self.metadata(&question.path).await;
            secrets.extend(items.into_iter().filter_map(|item| {
                let name = item["metadata"]["name"].as_str()?;
                let uid = object::uid(&item)?.to_owned();
                Some((Id::of(object::SECRET, Some(&namespace), name), uid))
            }));
        }
        secrets
    }

    async fn tried(&self, object: Object) -> Tried {
        let mut comparisons = 0;
        loop {
            let (live, dry_run) = tokio::join!(self.object(&object.id), self.try_apply(&object));
            comparisons += 1;
            let disturbed = match (&live, &dry_run) {
                (Seen::Known(live), DryRun::Would { after, .. }) => {
                    difference::is_disturbed(&object.id.kind, live, after, &object.body)
                }
                _ => false,
            };
            if !disturbed || comparisons == difference::COMPARISONS {
                return Tried { object, live, dry_run };
            }
        }
    }

    async fn try_apply(&self, object: &Object) -> DryRun {
        match self.dry_run(object, false).await {
            Answer::Conflict(conflict) => match self.dry_run(object, true).await {
                Answer::Made(after) => DryRun::Would { after, conflict: Some(conflict) },
                other => result(other),
            },
            other => result(other),
        }
    }

    async fn dry_run(&self, object: &Object, force: bool) -> Answer {
        let change = Change::apply(&object.id, &object.body, force);
        self.change(&change.tried()).await
    }
}

fn result(answer: Answer) -> DryRun {
    match answer {
        Answer::Made(after) => DryRun::Would { after, conflict: None },
        Answer::NotFound => DryRun::TooEarly,
        Answer::Invalid(why) | Answer::Conflict(why) => DryRun::Invalid(why),
        Answer::Denied(why) => DryRun::Denied(why),
        Answer::Failed(why) if is_of_schema(&why.message) => DryRun::OutsideSchema(why.message),
        Answer::Failed(why) => DryRun::Failed(why),
    }
}
