//! Requests that arrive through the broker.

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::VERSION;
use super::outbox::{envelope, publish};
use super::sync::Sync;

/// The number of objects of the store in one message.
const BATCH: usize = 5;

/// Answers requests until the connection ends. Without a publisher, it only receives them.
pub(crate) async fn answer(mut requests: Subscriber, publisher: Option<Client>, sync: Sync) {
    while let Some(message) = requests.next().await {
        let Ok(message) = serde_json::from_slice::<Value>(&message.payload) else {
            continue;
        };
        let Some(publisher) = &publisher else { continue };
        let request = &message["Request"];
        match request["Entity"].as_str() {
            Some("meshsync-meta") => {
                publish(publisher, "meshsync-meta", &envelope("", "", &VERSION.into())).await;
            }
            Some("informer-store") => {
                let subject = request["Payload"]["Reply"].as_str().unwrap_or_default();
                for batch in sync.store().all().chunks(BATCH) {
                    let resources = batch.iter().map(|object| sync.resource(object, "ADDED"));
                    publish(publisher, subject, &envelope("", "", &resources.collect())).await;
                }
            }
            Some("resync-discovery") => sync.resync_soon(),
            _ => {}
        }
    }
}
