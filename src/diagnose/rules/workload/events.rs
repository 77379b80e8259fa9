//! Events, as evidence.

use k8s_openapi::{api::core::v1::Event, jiff::Timestamp};

pub(crate) fn event_time(event: &Event) -> Option<Timestamp> {
    event.last_timestamp.as_ref().map(|time| time.0).or_else(|| event.event_time.as_ref().map(|time| time.0))
}

pub(crate) fn event_words(event: &Event) -> String {
    let count = event.count.filter(|count| *count > 1).map(|count| format!(", {count} times")).unwrap_or_default();
    let last = event_time(event).map(|time| format!(", last at {time}")).unwrap_or_default();
    format!(
        "event {} on {} {}: {}{count}{last}",
        event.reason.as_deref().unwrap_or("Unknown"),
        event.involved_object.kind.as_deref().unwrap_or("object"),
        event.involved_object.name.as_deref().unwrap_or_default(),
        event.message.as_deref().unwrap_or_default().trim(),
    )
}
