//! Follows the test object into the data of Meshery Server, which receives the events from the broker.

use std::time::Duration;

use tokio::time::Instant;

use super::{Flow, Sent, arrivals, micros};
use crate::{
    facts::{Facts, TestStep, test_object},
    observe::{
        connectivity::{TestContext, server},
        server::client::ServerClient,
    },
    report::Status,
    stack::{
        base::{
            failure::{Failure, Kind},
            seen::Seen,
        },
        component::Component,
        watch_list::EVENTS,
    },
};

/// How often the server is asked.
const PACE: Duration = Duration::from_millis(250);

/// The data of the server about this cluster.
pub(super) struct ServerData<'a> {
    client: ServerClient<'a>,
    cluster_id: &'a str,
}

impl<'a> ServerData<'a> {
    /// The server's data, if it accepts us and has a connection to this cluster.
    ///
    /// # Errors
    ///
    /// Why it cannot be asked, and what to do.
    pub(super) fn of(context: &'a TestContext<'_>) -> Result<Self, String> {
        let cluster_id = usable(context.facts)?;
        let client = server::client(context).ok_or_else(|| nowhere(context.facts))?;
        Ok(Self { client, cluster_id })
    }

    /// Whether the server's data has an object of this kind and name.
    async fn has(&self, kind: &str, name: &str) -> Seen<bool> {
        let found = self.client.stored(self.cluster_id, Some(kind), Some(name)).await;
        match found {
            Seen::Absent => Seen::failed("this release does not offer its data"),
            found => found.map(|count| count > 0),
        }
    }
}

/// The cluster's ID, if the server can be asked for its data.
fn usable(facts: &Facts) -> Result<&str, String> {
    let name = Component::Server.title(facts.profile);
    let server = facts.server.as_ref().ok_or_else(|| nowhere(facts))?;
    if let Some(why) = &server.unreachable {
        return Err(format!("{name} at {} cannot be reached: {}", server.address, why.message));
    }
    if !server.has_session() {
        return Err(format!(
            "{name} at {} does not accept us: log in, or name a context with --meshery-context",
            server.address
        ));
    }
    let Some(cluster_id) = facts.cluster_id.known() else {
        return Err("the cluster's ID, the UID of namespace kube-system, is not known".into());
    };
    match &server.connections {
        Seen::Known(_) if server.connection_to(cluster_id).is_none() => {
            Err(format!("{name} has no connection to this cluster"))
        }
        Seen::Known(_) => Ok(cluster_id),
        other => Err(format!(
            "{name}'s connections could not be read: {}",
            other.why_unsettled().unwrap_or_else(|| "it has none".into())
        )),
    }
}

fn nowhere(facts: &Facts) -> String {
    let name = Component::Server.title(facts.profile);
    format!("no {name} was found in the cluster: name one with --meshery-server URL")
}

impl Flow<'_> {
    /// Waits until the server's data shows the object, or shows it no longer after its deletion. Only if the event arrived.
    pub(super) async fn follow(&mut self, event: &'static str) {
        let left = self.time_left();
        let Self { context, run, kind, listener, sent, data, .. } = self;
        let Some(data) = data else { return };
        // That it is gone means something only if it was there.
        let is_missing = |sent: &Sent| sent.event == EVENTS[0] && sent.stored.known().is_none();
        if event != EVENTS[0] && sent.iter().any(is_missing) {
            return;
        }
        let Some(sent) = sent.iter_mut().rfind(|sent| sent.event == event) else { return };
        if arrivals(&listener.arrivals, sent, run).next().is_none() {
            return;
        }
        let step = if event == EVENTS[0] { TestStep::Stored } else { TestStep::Removed };
        let limit = context.plan.wait.min(left);
        let name = test_object::name(run, sent.round);
        let steps = context.steps;
        if sent.round == 1 {
            steps.begin(step, Some(limit));
        }
        let wanted = event == EVENTS[0];
        let polled = async {
            let end = Instant::now() + limit;
            loop {
                let left = end.saturating_duration_since(Instant::now());
                let asked = tokio::time::timeout(left, data.has(kind.of.kind, &name)).await;
                let last = match asked {
                    Ok(Seen::Known(has)) if has == wanted => return Seen::Known(micros(sent.at.elapsed())),
                    Ok(Seen::Known(_)) => Seen::Absent,
                    Ok(other) => other.map(|_| 0),
                    Err(_) => Seen::failed(Failure::new(Kind::TimedOut, "the server did not answer in time")),
                };
                if end.saturating_duration_since(Instant::now()) < PACE {
                    return last;
                }
                tokio::time::sleep(PACE).await;
            }
        };
        let result = listener.during(polled).await;
        let status = match &result {
            Seen::Known(_) => Status::Pass,
            Seen::Absent => Status::Fail,
            _ => Status::Unknown,
        };
        if sent.round == 1 {
            steps.end(step, None, status, result.known().copied());
        }
        sent.stored = result;
    }

    /// Whether the server's data followed every change.
    pub(super) fn all_stored(&self) -> bool {
        self.sent.iter().all(|sent| matches!(sent.stored, Seen::Known(_) | Seen::NotLooked))
    }
}
