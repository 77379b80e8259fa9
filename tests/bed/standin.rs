//! Those who connect to the broker: MeshSync and Meshery Server, played by NATS clients under their names.
//!
//! Each has a thread and a runtime of its own, so that it goes on answering while a test blocks its thread.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures_util::future;
use tokio::sync::oneshot;

use super::process::Process;

/// A connected client, or the real program in its place; gone on drop.
#[derive(Debug)]
pub enum StandIn {
    /// A client of ours.
    Client(Client),
    /// The real program.
    Program(Process),
}

/// A NATS client in a thread.
#[derive(Debug)]
pub struct Client {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Connects under a name and subscribes; returns when the broker has heard of both.
    pub fn connect(name: &str, endpoint: &str, token: Option<&str>, subjects: &[String]) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let mut options = async_nats::ConnectOptions::new().name(name);
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
                    let _ = tell.send(Ok(()));
                    // An error means that the handle is gone, which is a request to stop as well.
                    let _ = stopped.await;
                    drop(subscriptions);
                    Ok(())
                })
            });
            if let Err(error) = result {
                let _ = tell.send(Err::<(), _>(error));
            }
        })?;
        told.recv_timeout(Duration::from_secs(10))
            .map_err(|_| anyhow!("no answer from the broker"))
            .and_then(|result| result)
            .with_context(|| format!("{name} cannot connect to {endpoint}"))?;
        Ok(Self::Client(Client { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
