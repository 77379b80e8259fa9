//! What leaves: events in the order in which they happened, and what is to be done wrong with them.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::{self, Instant};

use super::health::Health;

/// Takes events; clones lead to the same queue.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: UnboundedSender<(Instant, Option<Value>)>,
    delay: Duration,
    dropped: Vec<String>,
}

impl Outbox {
    /// Without a voice, nothing is ever heard.
    pub(crate) fn new(
        voice: Option<Client>,
        subject: String,
        delay: Duration,
        dropped: Vec<String>,
        health: Arc<Health>,
    ) -> Self {
        let (queue, mut events) = mpsc::unbounded_channel::<(Instant, Option<Value>)>();
        tokio::spawn(async move {
            while let Some((due, event)) = events.recv().await {
                time::sleep_until(due).await;
                match (event, &voice) {
                    (Some(event), Some(voice)) => publish(voice, &subject, &event).await,
                    (Some(_), None) => {}
                    (None, voice) => {
                        if let Some(voice) = voice {
                            let _ = voice.flush().await;
                        }
                        health.set_settled();
                    }
                }
            }
        });
        Self { queue, delay, dropped }
    }

    /// Publishes an event of a resource.
    pub(crate) fn event(&self, event: &str, resource: &Value) {
        if !self.dropped.iter().any(|dropped| dropped == event) {
            self.put(Some(envelope("meshsync-data", event, resource)));
        }
    }

    /// All that was there has been put in.
    pub(crate) fn settled(&self) {
        self.put(None);
    }

    fn put(&self, event: Option<Value>) {
        // The other end goes with the process.
        let _ = self.queue.send((Instant::now() + self.delay, event));
    }
}

/// Publishes one message; one that is too large for the broker is lost, as with the real one.
pub(crate) async fn publish(voice: &Client, subject: &str, message: &Value) {
    let payload = message.to_string().into_bytes();
    if let Err(error) = voice.publish(subject.to_owned(), payload.into()).await {
        eprintln!("meshsync: a message to {subject} is lost: {error}");
    }
}

/// The envelope of everything that is published.
pub(crate) fn envelope(object_type: &str, event: &str, object: &Value) -> Value {
    json!({"ObjectType": object_type, "EventType": event, "Request": null, "Object": object})
}
