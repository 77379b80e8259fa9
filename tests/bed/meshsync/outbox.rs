//! Publishes events in their order, with the requested faults.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::{self, Instant};

use super::health::Health;

/// Queues events. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: UnboundedSender<(Instant, Option<Value>)>,
    delay: Duration,
    dropped: Vec<String>,
}

impl Outbox {
    /// Without a publisher, nothing is published.
    pub(crate) fn new(
        publisher: Option<Client>,
        subject: String,
        delay: Duration,
        dropped: Vec<String>,
        health: Arc<Health>,
    ) -> Self {
        let (queue, mut events) = mpsc::unbounded_channel::<(Instant, Option<Value>)>();
        tokio::spawn(async move {
            while let Some((due, event)) = events.recv().await {
                time::sleep_until(due).await;
                match (event, &publisher) {
                    (Some(event), Some(publisher)) => publish(publisher, &subject, &event).await,
                    (Some(_), None) => {}
                    (None, publisher) => {
                        if let Some(publisher) = publisher {
                            let _ = publisher.flush().await;
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

    /// Marks the point at which all existing objects are queued.
    pub(crate) fn settled(&self) {
        self.put(None);
    }

    fn put(&self, event: Option<Value>) {
        // The receiver lives as long as the process.
        let _ = self.queue.send((Instant::now() + self.delay, event));
    }
}

/// Publishes a message. A message that is too large for the broker is lost, as with the real MeshSync.
pub(crate) async fn publish(publisher: &Client, subject: &str, message: &Value) {
    let payload = message.to_string().into_bytes();
    if let Err(error) = publisher.publish(subject.to_owned(), payload.into()).await {
        eprintln!("meshsync: lost a message to {subject}: {error}");
    }
}

/// Wraps an object in the envelope of all messages.
pub(crate) fn envelope(object_type: &str, event: &str, object: &Value) -> Value {
    json!({"ObjectType": object_type, "EventType": event, "Request": null, "Object": object})
}
