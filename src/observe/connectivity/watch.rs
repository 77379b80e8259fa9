//! Our own watch, to measure when the API server sends an event to its watchers.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::Instant;

use crate::cluster::ask::ListedObject;

/// The maximum length of a line. Our own objects are far smaller.
const LONGEST: usize = 1 << 20;

/// An open watch.
pub(crate) struct Watch {
    body: Body,
    buffer: Vec<u8>,
}

/// The events received so far.
pub(crate) struct WatchEvent {
    pub name: String,
    pub event: String,
    pub at: Instant,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    event: String,
    object: ListedObject,
}

impl Watch {
    /// Opens a watch for a label selector. `None` if it is not permitted or does not open in time.
    pub(crate) async fn open(client: kube::Client, collection: &str, label: &str, limit: Duration) -> Option<Self> {
        let query = format!("{collection}?watch=1&timeoutSeconds=300&labelSelector={label}");
        let request = Request::get(query).body(Body::empty()).ok()?;
        let response = tokio::time::timeout(limit, client.send(request)).await;
        let response = response.ok()?.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        Some(Self { body: response.into_body(), buffer: Vec::new() })
    }

    /// The next event. `None` at the end of the watch. It can be canceled at any time without losing an event.
    pub(crate) async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                    return Some(WatchEvent {
                        name: line.object.metadata.name.unwrap_or_default(),
                        event: line.event,
                        at: Instant::now(),
                    });
                }
                continue;
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.buffer.extend_from_slice(data);
            }
            if self.buffer.len() > LONGEST {
                return None;
            }
        }
    }
}
