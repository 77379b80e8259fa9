//! The operator: reconciles the custom resources of one namespace, and serves its health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::bed::{FakeOperator, Line, Stack, connect_in_cluster};

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs until it is killed.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: &[String]) -> Result<()> {
    let value = |flag: &str| arguments.iter().find_map(|argument| argument.strip_prefix(flag));
    let namespace = value("--namespace=").context("--namespace=NAME is missing")?;
    let health = value("--health-probe-bind-address=:").unwrap_or("8081").parse()?;
    let is_ready = Arc::new(AtomicBool::new(false));
    let listener = TcpListener::bind(("0.0.0.0", health)).await?;
    tokio::spawn(serve(listener, is_ready.clone()));
    let mut operator =
        FakeOperator::new(connect_in_cluster()?, Stack::of(Line::Current).namespace(namespace).quick_probes());
    is_ready.store(true, Ordering::Relaxed);
    let mut last_error = String::new();
    // Process 1 of a container ignores the signal unless it handles it.
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        let round = async {
            match operator.deployment().await? {
                Some(deployment) => operator.run(&deployment).await,
                None => Ok(()),
            }
        };
        if let Err(error) = round.await {
            let error = format!("{error:#}");
            if error != last_error {
                eprintln!("ERROR\tReconciler error\t{error}");
                last_error = error;
            }
        }
        tokio::select! {
            _ = terminated.recv() => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Answers every request: 200 if the operator is ready, otherwise 503.
async fn serve(listener: TcpListener, is_ready: Arc<AtomicBool>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let status = if is_ready.load(Ordering::Relaxed) { "200 OK" } else { "503 Service Unavailable" };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        tokio::spawn(async move {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
    }
}
