//! Requests to `MeshSync` over the broker. Meshery Server makes the same ones, and they change nothing.

use std::{collections::BTreeMap, time::Duration};

use async_nats::Client;
use futures_util::{StreamExt, future::select_all};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{broker::run_id, envelope};
use crate::{
    facts::{Step, test_object},
    observe::connectivity::listener::{RESOURCES, micros},
    stack::{
        base::{bounded, limits, seen::Seen, words},
        profile::Profile,
        watched_kinds,
    },
};

/// The timeout for the version.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The subject on which `MeshSync` answers with its version.
const META: &str = "meshsync-meta";

fn payload(entity: &str, payload: &Value) -> Vec<u8> {
    json!({
        "ObjectType": "request-payload",
        "EventType": "",
        "Request": { "Entity": entity, "Payload": payload },
        "Object": null,
    })
    .to_string()
    .into_bytes()
}

fn subject(profile: &Profile) -> String {
    format!("{}.meshsync.request", profile.subject_prefix)
}

/// Reads beyond the runtime's budget for one task. Otherwise a server that sends faster would fill the queue.
fn draining<F: Future>(reading: F) -> tokio::task::coop::Unconstrained<F> {
    tokio::task::unconstrained(reading)
}

/// Requests `MeshSync`'s version over every server at once. The first answer counts.
pub(crate) async fn version(clients: &[Client], profile: &Profile) -> Step {
    let sent = Instant::now();
    let asked = clients.iter().map(|client| {
        Box::pin(async move {
            let mut answers = client.subscribe(META).await.map_err(|e| e.to_string())?;
            let query = payload(META, &Value::Null);
            client.publish(subject(profile), query.into()).await.map_err(|e| e.to_string())?;
            // Other messages are ignored, however many there are.
            let answer = async {
                while let Some(answer) = answers.next().await {
                    if let Some(version) = envelope::read_text(&answer.payload) {
                        return Some(bounded::cut(version, limits::BROKER_TEXT));
                    }
                }
                None
            };
            match tokio::time::timeout(RESPONSE_TIMEOUT, draining(answer)).await {
                Ok(Some(version)) => Ok(version),
                Ok(None) => Err("the broker ended the connection".into()),
                Err(_) => Err("timed out after 2 s".to_owned()),
            }
        })
    });
    let mut asked: Vec<_> = asked.collect();
    let mut why = "no broker server accepted the connection".to_owned();
    while !asked.is_empty() {
        let (answer, _, rest) = select_all(asked).await;
        match answer {
            Ok(version) => {
                return Step::done(micros(sent.elapsed()), version);
            }
            Err(failure) => why = failure,
        }
        asked = rest;
    }
    Step::failed(why)
}

/// Has `MeshSync` publish its store on a subject of our own, and counts the objects by resource.
pub(crate) async fn store(client: &Client, profile: &Profile, wait: Duration) -> Seen<BTreeMap<String, u64>> {
    let reply = test_object::private_subject(&format!("{}.store", run_id()));
    let asked = async {
        let mut answers = client.subscribe(reply.clone()).await.map_err(|e| e.to_string())?;
        let mut end = client.subscribe(META).await.map_err(|e| e.to_string())?;
        let query = payload("informer-store", &json!({ "Reply": reply }));
        client.publish(subject(profile), query.into()).await.map_err(|e| e.to_string())?;
        // The answer has no end mark. Requests are answered one after the other, so the answer to the next request is
        // the end.
        client.publish(subject(profile), payload(META, &Value::Null).into()).await.map_err(|e| e.to_string())?;
        let mut counts = BTreeMap::new();
        let mut began = false;
        loop {
            let next = async {
                tokio::select! {
                    biased;
                    answer = answers.next() => answer,
                    _ = end.next() => None,
                }
            };
            match tokio::time::timeout(wait, draining(next)).await {
                Ok(Some(answer)) => {
                    began = true;
                    for (kind, api_version) in envelope::read_store(&answer.payload).unwrap_or_default() {
                        let resource = watched_kinds::resource_of(&kind, &api_version);
                        let resource = bounded::cut(resource, limits::BROKER_TEXT);
                        if counts.len() < RESOURCES || counts.contains_key(&resource) {
                            *counts.entry(resource).or_insert(0) += 1;
                        }
                    }
                }
                Ok(None) if began => break,
                Ok(None) => {
                    return Err(
                        "MeshSync did not publish its store: it does so only some seconds after it has listed \
                               every kind, and never while it is not allowed to list one"
                            .to_owned(),
                    );
                }
                Err(_) => return Err(format!("timed out after {}", words::span(wait))),
            }
        }
        Ok(counts)
    };
    match asked.await {
        Ok(counts) => Seen::Known(counts),
        Err(why) => Seen::failed(why),
    }
}
