//! Clients of the broker: NATS clients with the names of MeshSync and Meshery Server.
//!
//! Each has its own thread and runtime, so it keeps answering while a test blocks its thread.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures_util::future;
use tokio::sync::oneshot;

use super::broker::Broker;
use super::line::Line;
use super::process::Process;

/// A connected client, or the real MeshSync instead; disconnected on drop.
#[derive(Debug)]
pub enum FakeClient {
    /// A NATS client of the test bed.
    Nats(NatsClient),
    /// The real MeshSync.
    RealMeshSync(Process),
}

/// A NATS client that runs in its own thread.
#[derive(Debug)]
pub struct NatsClient {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeClient {
    /// Connects a Meshery Server: it receives MeshSync's events and the replies to its requests.
    pub(super) fn meshery_server(line: Line, broker: &Broker) -> Result<Self> {
        let prefix = line.names().prefix;
        let name = format!("{prefix}-server");
        let subjects = [format!("{prefix}.meshsync.core"), format!("{name}.meshsync.store")];
        Self::connect(&name, &broker.endpoint(), broker.token.as_deref(), &subjects)
    }

    /// Connects with this name and subscribes; returns when the broker has processed both.
    pub fn connect(name: &str, endpoint: &str, token: Option<&str>, subjects: &[String]) -> Result<Self> {
        Self::connect_from(Ipv4Addr::LOCALHOST, name, endpoint, token, subjects)
    }

    /// [`FakeClient::connect`] from a given loopback address.
    pub(super) fn connect_from(
        source: Ipv4Addr,
        name: &str,
        endpoint: &str,
        token: Option<&str>,
        subjects: &[String],
    ) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (sender, receiver) = mpsc::channel();
        let mut options = async_nats::ConnectOptions::new().name(name).local_address((source, 0).into());
        if let Some(token) = token {
            options = options.token(token.to_owned());
        }
        let url = format!("nats://{endpoint}");
        let subjects = subjects.to_vec();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
                runtime.block_on(async {
                    let client = options.connect(url).await?;
                    let subscriptions =
                        future::try_join_all(subjects.into_iter().map(|subject| client.subscribe(subject))).await?;
                    client.flush().await?;
                    let _ = sender.send(Ok(()));
                    // An error means that the handle was dropped, which is also a request to stop.
                    let _ = stopped.await;
                    drop(subscriptions);
                    Ok(())
                })
            });
            if let Err(error) = result {
                let _ = sender.send(Err::<(), _>(error));
            }
        })?;
        receiver
            .recv_timeout(Duration::from_secs(10))
            .map_err(|_| anyhow!("no answer from the broker"))
            .and_then(|result| result)
            .with_context(|| format!("{name} cannot connect to {endpoint}"))?;
        Ok(Self::Nats(NatsClient { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for NatsClient {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
