//! Whether the server is connected to the broker, by the broker's own list of clients. Pure.

use crate::{
    diagnose::server_link::{ServerLinks, server_links},
    facts::Facts,
};

/// Whether a connection that is none of these subscribes to the events of `MeshSync`: the evidence, or what is missing.
pub(in crate::repair) fn judge(facts: &Facts, before: &[(String, u64)]) -> Result<String, String> {
    let ServerLinks { links, unseen, names, subject, has_broker } = server_links(facts);
    let mut new = links.iter().filter(|link| !before.contains(&link.id));
    if let Some(link) = new.clone().find(|link| link.listens) {
        return Ok(format!("{} subscribes to {subject}", link.shown()));
    }
    if let Some(link) = new.next() {
        return Err(format!("{} does not subscribe to {subject} yet", link.shown()));
    }
    if let Some(why) = unseen {
        return Err(format!("the clients of the broker are unknown: {why}"));
    }
    if !has_broker {
        return Err("no broker server is running".into());
    }
    let new = if before.is_empty() { "" } else { "new " };
    Err(format!("the broker has no {new}client named {names}"))
}
