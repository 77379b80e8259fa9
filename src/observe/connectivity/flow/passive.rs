//! Observes the event flow without writing anything.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    facts::{BrokerFacts, FlowTest, Passive},
    observe::{
        broker::probe::Probe,
        connectivity::{
            TestContext,
            listener::{EventListener, micros},
        },
    },
};

/// Listens for this time, and counts the messages that `MeshSync` had published before and after.
pub(crate) async fn listen(bench: &TestContext<'_>, ear: &mut EventListener, window: Duration, found: &mut FlowTest) {
    (bench.progress)("listening for events");
    let window = window.min(bench.asker.time_left());
    let before = published(bench, &bench.facts.broker);
    let started = Instant::now();
    ear.until(started + window, |_| false).await;
    let took = started.elapsed();
    let again = Probe {
        asker: bench.asker,
        client: bench.clients.streams.clone(),
        facts: bench.facts,
        token: None,
        kept: None,
    };
    let broker = ear.during(Box::pin(again.run())).await;
    found.passive = Some(Passive { window: micros(took), before, after: published(bench, &broker) });
}

/// The number of messages that clients with `MeshSync`'s name have published. `None` if no server reported it.
fn published(bench: &TestContext<'_>, broker: &BrokerFacts) -> Option<u64> {
    let name = bench.facts.profile.meshsync.client;
    let mut known = broker.servers.iter().filter(|server| server.connections.known().is_some()).peekable();
    known.peek()?;
    let clients = known.flat_map(|server| server.connections.items());
    Some(clients.filter(|client| client.name == name).map(|client| client.in_msgs).sum())
}
