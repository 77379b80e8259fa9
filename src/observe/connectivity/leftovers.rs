//! Objects left by runs that were killed.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};
use tokio::time::Instant;

use async_nats::Client;

use super::{
    TestContext,
    broker::{self, Subscribers},
    removal::{LONGEST, remove},
};
use crate::{
    cluster::ask::{self, List, ListedObject},
    facts::{Leftover, test_object},
    stack::{
        base::{permission::Permission, seen::Seen},
        object::{Id, Kind, group_of},
    },
};

/// The timeout for another run to report that it is running.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the broker may take to notice that a run was killed, because its connection passes through a port-forward.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where leftovers are searched, and where their runs can be asked.
pub(crate) struct Leftovers<'a> {
    pub(crate) context: &'a TestContext<'a>,
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    /// The label selector of the test objects, encoded for a URL.
    pub(crate) selector: &'a str,
    pub(crate) clients: &'a [Client],
}

impl Leftovers<'_> {
    /// Finds the objects of earlier runs, and deletes those that no run uses any more.
    ///
    /// # Errors
    ///
    /// Why they could not be listed.
    pub(crate) async fn remove(&self) -> Result<Vec<Leftover>, String> {
        let collection = Id::of(self.kind, Some(self.namespace), "").collection();
        let path = format!("{collection}?labelSelector={}", self.selector);
        let answer = self.context.api.get_metadata(&path).await;
        let permission = Permission::to("list", group_of(self.kind.api_version), self.kind.plural);
        let permission = permission.in_namespace(self.namespace);
        let list = answer.and_then(|body| ask::parse::<List<ListedObject>>(&body));
        let items = match ask::seen(list, &permission) {
            Seen::Known(list) => list.items.unwrap_or_default(),
            other => return other.why_unsettled().map_or_else(|| Ok(Vec::new()), Err),
        };
        let mut found = Vec::new();
        for item in items {
            let name = item.metadata.name.clone().unwrap_or_default();
            // Another object could have the same labels.
            if !name.starts_with(test_object::NAME) || self.run_may_be_alive(&item.metadata).await {
                continue;
            }
            let client = self.context.clients.requests.clone();
            let limit = self.context.api.remaining().min(LONGEST);
            let removed = match remove(client, format!("{collection}/{name}"), limit).await {
                Ok(()) => Seen::Known(true),
                Err(why) => Seen::failed(why),
            };
            found.push(Leftover { kind: self.kind.kind.into(), namespace: self.namespace.to_owned(), name, removed });
        }
        Ok(found)
    }

    /// Whether the run that created an object may still be alive. A run subscribes to its own subject until it ends. If
    /// no server can be asked, the run may be alive until the object expires.
    async fn run_may_be_alive(&self, metadata: &ObjectMeta) -> bool {
        let expires = metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(test_object::EXPIRES))
            .and_then(|time| time.parse::<Timestamp>().ok());
        if expires.is_none_or(|expires| expires < crate::cluster::now()) {
            return false;
        }
        let run = metadata.labels.as_ref().and_then(|l| l.get(test_object::RUN));
        let (Some(run), false) = (run, self.clients.is_empty()) else {
            return true;
        };
        for client in self.clients {
            let end = Instant::now() + DISCONNECT_TIMEOUT.min(self.context.api.remaining());
            loop {
                let subject = test_object::private_subject(run);
                match broker::subscribers(client, subject, RESPONSE_TIMEOUT).await {
                    Subscribers::Absent => break,
                    Subscribers::NoReply if Instant::now() < end => {}
                    _ => return true,
                }
            }
        }
        false
    }
}
