//! What is asked of the server beyond a diagnosis: about single connections and clusters.

use futures_util::{
    future::{join, join_all},
    stream::{self, StreamExt as _},
};
use tokio::time::Instant;

use super::client::ServerClient;
use crate::{
    cluster::session::Session,
    facts::{Facts, server::ConnectionPing},
    stack::base::limits,
};

/// The maximum number of pings at the same time.
const AT_ONCE: usize = 4;

/// What to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    /// The IDs of the connections to ping, of which the first [`limits::SERVER_PINGS`] are.
    pub(crate) pings: Vec<String>,
    /// The IDs of the clusters whose stored objects are counted.
    pub(crate) stored: Vec<String>,
}

/// Asks the server of these facts, and adds its answers to them.
pub(crate) async fn more(session: &Session<'_>, facts: &mut Facts, more: &More) {
    if more.pings.is_empty() && more.stored.is_empty() {
        return;
    }
    let client = super::client(&session.api, &session.clients.streams, &session.scope.server, facts);
    let (Some(client), Some(server)) = (client, &mut facts.server) else { return };
    let client = &client;
    let pings = stream::iter(more.pings.iter().take(limits::SERVER_PINGS))
        .map(async |id| (id.clone(), ping(client, id).await))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let stored = join_all(more.stored.iter().map(async |id| (id.clone(), client.stored(id, None, None).await)));
    let (pings, stored) = join(pings, stored).await;
    server.pings.extend(pings);
    server.stored.extend(stored);
}

async fn ping(client: &ServerClient<'_>, id: &str) -> ConnectionPing {
    let begun = Instant::now();
    let (version, status) = client.ping(id).await;
    ConnectionPing { version, status, micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) }
}
