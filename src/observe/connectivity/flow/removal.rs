//! Removing what a run has made.

use std::time::Duration;

use http::Request;
use kube::client::Body;

use super::{Flow, Sent};
use crate::{
    cluster::ask,
    facts::test_object,
    stack::{base::failure::Failure, watch_list::EVENTS},
};

/// How long removing an object may take.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);

/// What a removal waits for that overtook the making.
const OVERTAKEN: Duration = Duration::from_millis(300);

impl Flow<'_> {
    /// Removes what the round has not removed.
    pub(crate) async fn ensure_removed(&self, round: u32) -> Option<(String, String)> {
        let name = test_object::name(&self.run, round);
        let is = |sent: &&Sent, event| sent.round == round && sent.event == event;
        let removed = self.sent.iter().any(|sent| is(&sent, EVENTS[2]) && sent.acknowledged.is_some());
        // What was never made need not go. Where there was no answer, it may have been made.
        let refused = self.sent.iter().find(|sent| is(sent, EVENTS[0])).is_none_or(|sent| sent.refused);
        if removed {
            return None;
        }
        if !refused {
            let path = format!("{}/{name}", self.kind.collection(&self.namespace));
            let limit = self.bench.asker.time_left().min(LONGEST);
            let client = self.bench.clients.requests.clone();
            if let Err(why) = remove(client, path, limit).await {
                return Some((name, why.message));
            }
        }
        self.bench.cleanup.settle(&name);
        None
    }
}

/// Removes an object. What is not there yet may be on its way, when the making was stopped.
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
            Err(_) => Err("no answer to its removal".into()),
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
        other => Err(format!("the API server answered {other} to its removal").into()),
    }
}
