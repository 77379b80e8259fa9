//! An HTTP/1.1 connection over any stream.

use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

use crate::stack::base::limits;

/// An open connection. It is closed on drop.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Starts HTTP over a stream. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The library's error.
    pub(crate) async fn start<S>(stream: S) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let builder = http1::Builder::new().max_buf_size(limits::HTTP_HEAD).to_owned();
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        // A broken connection is seen by whoever sends a request over it.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, task })
    }

    /// Sends a request, and returns the head of the answer with a body that is not yet read.
    ///
    /// # Errors
    ///
    /// The library's error.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }

    /// Whether the connection can be used for another request, as far as is known. It waits for the end of the previous
    /// exchange, whose body must have been read.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }
}
