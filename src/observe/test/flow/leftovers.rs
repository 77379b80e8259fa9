//! Objects that a run has left which was killed.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use serde::Deserialize;

use super::{Flow, remove};
use crate::{
    facts::Leftover,
    observe::{ask, test::broker},
    probe,
    seen::Seen,
};

/// How long a run that lives may take to show that it does.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: ObjectMeta,
}

impl Flow<'_> {
    /// Finds what earlier runs have left, and removes what nobody waits for any more.
    pub(super) async fn leftovers(&self) -> Vec<Leftover> {
        let selector = probe::selector()
            .replace('/', "%2F")
            .replace('=', "%3D")
            .replace(',', "%2C");
        let collection = self.kind.collection(&self.namespace);
        let path = format!("{collection}?labelSelector={selector}");
        let answer = self.bench.asker.get_metadata(&path).await;
        let Ok(list) = answer.and_then(|body| ask::parse::<List>(&body)) else {
            // Whoever may not list them cannot have made any that a label would find.
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in list.items {
            if self.somebody_waits_for(&item.metadata).await {
                continue;
            }
            let name = item.metadata.name.unwrap_or_default();
            let client = self.bench.clients.requests.clone();
            let removed = match remove(client, format!("{collection}/{name}")).await {
                Ok(()) => Seen::Known(true),
                Err(why) => Seen::Unreachable(why),
            };
            found.push(Leftover {
                kind: self.kind.kind.into(),
                namespace: self.namespace.clone(),
                name,
                removed,
            });
        }
        found
    }

    /// Whether the run that made an object still lives: it listens on a subject of its own until it ends.
    async fn somebody_waits_for(&self, metadata: &ObjectMeta) -> bool {
        let expires = metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(probe::EXPIRES))
            .and_then(|time| time.parse::<Timestamp>().ok());
        if expires.is_none_or(|expires| expires < crate::observe::now()) {
            return false;
        }
        let run = metadata.labels.as_ref().and_then(|l| l.get(probe::RUN));
        let Some(run) = run else {
            return false;
        };
        for client in &self.clients {
            let subject = probe::private_subject(run);
            if broker::nobody_hears(client, subject, SIGN_OF_LIFE).await != Some(true) {
                return true;
            }
        }
        false
    }
}
