//! One page of the HTTP server in a pod, through a port-forward of its own.

use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use kube::Client;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    broker::wire::{Received, Watched, guarded, settled, timed},
    http1::Connection,
    queries,
};
use crate::{
    cluster::{ask::ApiClient, tunnel::Tunnel},
    facts::{FailureReason, ProbeFailure},
    report::Route,
};

/// Which page to read.
pub(crate) struct PodPage<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) port: u16,
    pub(crate) path: &'a str,
    /// The port in a message: `its health port`.
    pub(crate) what: &'static str,
    /// The maximum size of the page, in bytes.
    pub(crate) longest: usize,
}

impl PodPage<'_> {
    /// The status code and the text. The server may close each connection, so a connection is used once.
    ///
    /// # Errors
    ///
    /// Why there is no answer. `missing` names the permissions, if they are the reason.
    pub(crate) async fn get(
        &self,
        api: &ApiClient<'_>,
        client: Client,
        limit: Duration,
    ) -> Result<(u16, String), ProbeFailure> {
        let permissions = queries::port_forward(self.namespace);
        api.count();
        let mut tunnel = Tunnel::open(client, self.namespace, self.pod, &[self.port], limit, &permissions).await?;
        let Some(port) = tunnel.take(self.port) else {
            return Err(ProbeFailure::route_failed(FailureReason::PortForward, "the port-forward lacks the port"));
        };
        let received = Received::default();
        let stream = Watched::new(port.stream, &received);
        let work = timed(self.over(stream), limit, self.what);
        let answer = guarded(work, port.error, &received).await;
        answer.map_err(|failure| settled(failure, Route::PortForward, received.any(), false))
    }

    async fn over<S>(&self, stream: S) -> Result<(u16, String), ProbeFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |_| ProbeFailure::broker(FailureReason::Closed, "the connection ended without a response");
        let mut connection = Connection::start(stream).await.map_err(broken)?;
        let request = Request::get(self.path)
            .header(header::HOST, "pod")
            .body(Full::<Bytes>::default())
            .map_err(|error| ProbeFailure::route_failed(FailureReason::Local, error.to_string()))?;
        let response = connection.send(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), self.longest).collect().await;
        let body = body.map_err(|_| {
            let path = self.path;
            ProbeFailure::broker(FailureReason::TooLarge, format!("its answer to {path} is too large or broken"))
        })?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()))
    }
}
