//! What it is asked over the broker.

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::VERSION;
use super::outbox::{envelope, publish};
use super::sync::Sync;

/// How many objects of the store go into one message.
const BATCH: usize = 5;

/// Answers for as long as there is a connection; without a voice it only listens.
pub(crate) async fn answer(mut asked: Subscriber, voice: Option<Client>, sync: Sync) {
    while let Some(message) = asked.next().await {
        let Ok(message) = serde_json::from_slice::<Value>(&message.payload) else {
            continue;
        };
        let Some(voice) = &voice else { continue };
        let request = &message["Request"];
        match request["Entity"].as_str() {
            Some("meshsync-meta") => {
                publish(voice, "meshsync-meta", &envelope("", "", &VERSION.into())).await;
            }
            Some("informer-store") => {
                let subject = request["Payload"]["Reply"].as_str().unwrap_or_default();
                for batch in sync.store().all().chunks(BATCH) {
                    let resources = batch.iter().map(|object| sync.resource(object, "ADDED"));
                    publish(voice, subject, &envelope("", "", &resources.collect())).await;
                }
            }
            Some("resync-discovery") => sync.begin_anew_soon(),
            _ => {}
        }
    }
}
