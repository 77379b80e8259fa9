//! The health endpoints.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The state that the endpoints report.
#[derive(Debug, Default)]
pub(crate) struct Health {
    ready: AtomicBool,
    settled: AtomicBool,
}

impl Health {
    /// Reports MeshSync as ready: the broker was reached. As in the real MeshSync, this is never reset.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Reports that all objects that existed at the start were published.
    pub(crate) fn set_settled(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    fn answer(&self, path: &str) -> (&'static str, &'static str) {
        let healthy = match path {
            "/healthz" => true,
            "/readyz" => self.ready.load(Ordering::Relaxed),
            "/settled" => self.settled.load(Ordering::Relaxed),
            _ => return ("404 Not Found", "404 page not found\n"),
        };
        if healthy { ("200 OK", "ok") } else { ("503 Service Unavailable", "not ready") }
    }
}

/// Starts listening.
pub(crate) async fn serve(address: SocketAddr, health: Arc<Health>) -> Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let health = Arc::clone(&health);
            tokio::spawn(async move { serve_connection(stream, &health).await });
        }
    });
    Ok(())
}

/// Answers requests without a body, one after the other, until the client closes the connection.
async fn serve_connection(stream: TcpStream, health: &Health) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while line.trim_end() != "" || line.is_empty() {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
        }
        let (status, body) = health.answer(first.split(' ').nth(1).unwrap_or_default());
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        if first.trim_end().ends_with("HTTP/1.0") {
            return Ok(());
        }
    }
}
