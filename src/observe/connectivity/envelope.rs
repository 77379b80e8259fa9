//! Parses the envelope of a `MeshSync` message. The object's content is never kept, because it includes Secrets in
//! plain text.

use serde::{Deserialize, de::IgnoredAny};

/// The type of a message.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::observe) enum Message {
    /// An event of an object.
    Event(Event),
    /// Another message of `MeshSync`.
    Other,
    /// Not a message of `MeshSync`.
    Malformed,
}

/// An event of an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::observe) struct Event {
    /// The event type: `ADDED`, `MODIFIED`, `DELETED`.
    pub what: String,
    /// The object's kind.
    pub kind: String,
    /// Its group and version.
    pub api_version: String,
    /// Its name.
    pub name: String,
    /// Its resource version, or 0 if there is none.
    pub resource_version: u64,
    /// The cluster ID. Empty if `MeshSync` could not find it.
    pub cluster_id: String,
}

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(rename = "EventType", default)]
    event: String,
    #[serde(rename = "Object")]
    object: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    kind: String,
    api_version: String,
    metadata: Metadata,
    #[serde(rename = "cluster_id", default)]
    cluster_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    resource_version: String,
}

/// Reads a message on the subject of events.
pub(in crate::observe) fn read(payload: &[u8]) -> Message {
    match serde_json::from_slice::<Envelope<Object>>(payload) {
        Ok(envelope) => Message::Event(Event {
            what: envelope.event,
            kind: envelope.object.kind,
            api_version: envelope.object.api_version,
            name: envelope.object.metadata.name,
            resource_version: envelope.object.metadata.resource_version.parse().unwrap_or(0),
            cluster_id: envelope.object.cluster_id,
        }),
        Err(_) if serde_json::from_slice::<Envelope<IgnoredAny>>(payload).is_ok() => Message::Other,
        Err(_) => Message::Malformed,
    }
}

/// The kinds of the objects in an answer with `MeshSync`'s store. `None` if it is another message.
pub(in crate::observe) fn read_store(payload: &[u8]) -> Option<Vec<(String, String)>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Kind {
        kind: String,
        api_version: String,
    }
    let envelope: Envelope<Vec<Kind>> = serde_json::from_slice(payload).ok()?;
    let kinds = envelope.object.into_iter();
    Some(kinds.map(|kind| (kind.kind, kind.api_version)).collect())
}

/// The text in an answer to a request, such as a version.
pub(in crate::observe) fn read_text(payload: &[u8]) -> Option<String> {
    let envelope: Envelope<String> = serde_json::from_slice(payload).ok()?;
    Some(envelope.object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_envelope_is_parsed_without_its_content() {
        let payload = br#"{"ObjectType":"meshsync-data","EventType":"MODIFIED","Request":null,"Object":{"id":"",
            "apiVersion":"v1","kind":"Secret","metadata":{"name":"s","resourceVersion":"645"},
            "cluster_id":"2c20","data":"{\"password\":\"hunter2\"}"}}"#;
        let Message::Event(event) = read(payload) else {
            panic!("no event");
        };
        assert_eq!(event.what, "MODIFIED");
        assert_eq!((event.kind.as_str(), event.resource_version), ("Secret", 645));
        assert_eq!(event.cluster_id, "2c20");
        assert!(!format!("{event:?}").contains("hunter2"));
    }

    #[test]
    fn messages_that_are_no_events_are_ignored() {
        assert_eq!(read(b"{"), Message::Malformed);
        assert_eq!(read(b"\xff\xfe"), Message::Malformed);
        assert_eq!(read(&vec![b'['; 1 << 20]), Message::Malformed);
        let log = br#"{"ObjectType":"error","EventType":"ERROR","Object":"no"}"#;
        assert_eq!(read(log), Message::Other);
        assert_eq!(read_text(log).as_deref(), Some("no"));
        assert_eq!(read_store(log), None);
    }
}
