//! Deletes an object of a test.

use std::time::Duration;

use http::Request;
use kube::client::Body;

use crate::{cluster::ask, stack::base::failure::Failure};

/// The timeout for deleting an object.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait for a creation that the deletion overtook.
const OVERTAKEN: Duration = Duration::from_millis(300);

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
