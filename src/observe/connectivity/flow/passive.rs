//! Observes the event flow without writing anything.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    facts::{BrokerFacts, FlowTest, Passive, TestStep},
    observe::{
        broker::probe::Probe,
        connectivity::{
            TestContext,
            listener::{EventListener, micros},
        },
    },
    report::Status,
};

/// Listens for this time, and counts the messages that `MeshSync` had published before and after.
pub(crate) async fn listen(
    context: &TestContext<'_>,
    listener: &mut EventListener,
    window: Duration,
    found: &mut FlowTest,
) {
    let window = window.min(context.api.time_left());
    context.steps.begin(TestStep::Events, Some(window));
    let before = published(context, &context.facts.broker);
    let started = Instant::now();
    listener.until(started + window, |_| false).await;
    let took = started.elapsed();
    let status = if listener.event_counts().is_empty() { Status::Unknown } else { Status::Pass };
    context.steps.end(TestStep::Events, None, status, Some(micros(took)));
    let again = Probe {
        api: context.api,
        client: context.clients.streams.clone(),
        facts: context.facts,
        token: None,
        kept: None,
    };
    let broker = listener.during(Box::pin(again.run())).await;
    found.passive = Some(Passive { window: micros(took), before, after: published(context, &broker) });
}

/// The number of messages that clients with `MeshSync`'s name have published. `None` if no server reported it.
fn published(context: &TestContext<'_>, broker: &BrokerFacts) -> Option<u64> {
    let name = context.facts.profile.meshsync.client;
    let mut known = broker.servers.iter().filter(|server| server.connections.known().is_some()).peekable();
    known.peek()?;
    let clients = known.flat_map(|server| server.connections.items());
    Some(clients.filter(|client| client.name == name).map(|client| client.in_msgs).sum())
}
