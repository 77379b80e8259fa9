//! Deletes the objects of a run.

use std::time::Duration;

use http::Request;
use kube::client::Body;

use super::{Flow, Sent};
use crate::{
    cluster::ask,
    facts::test_object,
    stack::{base::failure::Failure, watch_list::EVENTS},
};

/// The timeout for deleting an object.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait for a creation that the deletion overtook.
const OVERTAKEN: Duration = Duration::from_millis(300);

impl Flow<'_> {
    /// Deletes what the test itself has not deleted.
    pub(crate) async fn ensure_removed(&self, round: u32) -> Option<(String, String)> {
        let name = test_object::name(&self.run, round);
        let is = |sent: &&Sent, event| sent.round == round && sent.event == event;
        let removed = self.sent.iter().any(|sent| is(&sent, EVENTS[2]) && sent.acknowledged.is_some());
        // An object that was never created need not be deleted. Without an answer, it may have been created.
        let refused = self.sent.iter().find(|sent| is(sent, EVENTS[0])).is_none_or(|sent| sent.refused);
        if removed {
            return None;
        }
        if !refused {
            let path = format!("{}/{name}", self.kind.collection(&self.namespace));
            let limit = self.context.api.time_left().min(LONGEST);
            let client = self.context.clients.requests.clone();
            if let Err(why) = remove(client, path, limit).await {
                return Some((name, why.message));
            }
        }
        self.context.cleanup.settle(&name);
        None
    }
}

/// Deletes an object. If it does not exist yet, its creation may still be in progress when the run is interrupted.
pub(crate) async fn remove(client: kube::Client, path: String, limit: Duration) -> Result<(), Failure> {
    let once = async || -> Result<u16, Failure> {
        let request = Request::delete(&path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(b"{}".to_vec()))
            .map_err(|error| error.to_string())?;
        let sent = tokio::time::timeout(limit, client.clone().send(request)).await;
        match sent {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(error)) => Err(ask::from_error(&error).to_string().into()),
            Err(_) => Err("no response to its deletion".into()),
        }
    };
    let mut status = once().await?;
    if status == 404 {
        tokio::time::sleep(OVERTAKEN).await;
        status = once().await?;
    }
    match status {
        200 | 202 | 404 => Ok(()),
        403 => Err("no permission to delete it".into()),
        other => Err(format!("the API server returned {other} for its deletion").into()),
    }
}
