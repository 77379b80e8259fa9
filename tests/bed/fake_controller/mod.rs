//! A fake controller for one namespace. It does the operator's work while the operator's Deployment has a ready pod,
//! runs a broker server for each ready broker pod, and connects MeshSync while its pod is ready. On request, MeshSync
//! publishes events and a Meshery Server receives them.
//!
//! It supports the current operator line and Meshplay's, and custom resources with their usual names. It has its own
//! thread and runtime, so it keeps running while a test blocks its thread. It retries what fails, as the real
//! components do; [`FakeController::until_connected`] reports the last error.

mod lookup;
mod operator;
mod workloads;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kube::Client;
use serde_json::Value;
use tokio::sync::oneshot;

use super::broker::Broker;
use super::cluster::Cluster;
use super::fake_client::FakeClient;
use super::line::Line;
use super::process::Process;
use super::setup::Setup;
use super::stack::Stack;
use super::{programs, real, wait};
pub use operator::FakeOperator;
use workloads::MeshSync;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a round reads the namespace even if nothing was written, because of what depends on the time.
const REREAD: Duration = Duration::from_secs(4);

/// A running fake controller; stopped on drop, with its broker servers and clients.
#[derive(Debug)]
pub struct FakeController {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    status: Arc<Mutex<Status>>,
    gives_up: Arc<AtomicBool>,
}

/// What the thread reports.
#[derive(Debug, Default)]
struct Status {
    connected: bool,
    /// Everything that existed when MeshSync started was published, and Meshery Server is connected.
    settled: bool,
    /// How many rounds have ended.
    rounds: usize,
    last_error: Option<String>,
}

impl Cluster {
    /// Starts a fake controller of the current operator line for a namespace.
    pub fn start_controller(&self, namespace: &str) -> Result<FakeController> {
        self.start_controller_of(Line::Current, namespace)
    }

    /// [`Cluster::start_controller`] with a MeshSync that publishes events and a Meshery Server that receives them. The
    /// real MeshSync if `MESHSYNC_BIN` is set; see [`Stack::start_publisher`].
    pub fn start_publishing_controller(&self, namespace: &str) -> Result<FakeController> {
        self.start_publishing_controller_of(Line::Current, namespace)
    }

    /// [`Cluster::start_publishing_controller`] for another operator line.
    pub fn start_publishing_controller_of(&self, line: Line, namespace: &str) -> Result<FakeController> {
        if real::meshsync().is_none() || line != Line::Current {
            // The first call builds it, which must not delay the control loop.
            programs::meshsync()?;
        }
        self.run_controller(line, namespace, true)
    }

    /// [`Cluster::start_controller`] for another operator line.
    pub fn start_controller_of(&self, line: Line, namespace: &str) -> Result<FakeController> {
        self.run_controller(line, namespace, false)
    }

    fn run_controller(&self, line: Line, namespace: &str, is_publishing: bool) -> Result<FakeController> {
        let (stop, mut stopped) = oneshot::channel();
        let status = Arc::new(Mutex::new(Status::default()));
        let gives_up = Arc::new(AtomicBool::new(false));
        let (cluster, shared, gives_up_too) = (self.clone(), status.clone(), gives_up.clone());
        let setup = Stack::of(line).namespace(namespace);
        let name = format!("fake controller of {namespace}");
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(client) = cluster.client().await else {
                    return;
                };
                let mut controller = Controller::new(cluster, client, setup, is_publishing);
                controller.gives_up = gives_up_too;
                let mut rounds = 0;
                loop {
                    let round = async {
                        let result = controller.reconcile_if_needed().await;
                        let connected = controller.is_meshsync_connected().await;
                        let settled = connected && controller.is_settled().await;
                        let last_error = result.err().map(|error| format!("{error:#}"));
                        rounds += 1;
                        *shared.lock().unwrap_or_else(PoisonError::into_inner) =
                            Status { connected, settled, rounds, last_error };
                        tokio::time::sleep(PAUSE).await;
                    };
                    // An error means that the handle was dropped, which is also a request to stop.
                    tokio::select! {
                        _ = &mut stopped => return,
                        () = round => {}
                    }
                }
            });
        })?;
        Ok(FakeController { stop: Some(stop), thread: Some(thread), status, gives_up })
    }
}

impl Setup {
    /// Installs the stack as a user does and starts a fake controller; returns when MeshSync is connected.
    pub async fn start_with_controller(self, cluster: &Cluster) -> Result<FakeController> {
        let client = cluster.client().await?;
        let namespace = self.namespace.clone();
        self.install(cluster, &client).await?;
        let controller = cluster.start_controller(&namespace)?;
        controller.until_connected().await?;
        Ok(controller)
    }
}

impl Stack {
    /// Stops the stack's broker servers and clients and starts a fake controller, which restarts them and reacts to
    /// every later change.
    pub fn start_controller(&mut self) -> Result<FakeController> {
        self.stop_processes();
        self.cluster.start_controller(&self.namespace)
    }

    /// [`Stack::start_controller`] of the stack's own line.
    pub fn start_own_controller(&mut self) -> Result<FakeController> {
        self.stop_processes();
        self.cluster.start_controller_of(self.line, &self.namespace)
    }

    /// [`Stack::start_own_controller`] with a MeshSync that publishes events.
    pub fn start_publishing_controller(&mut self) -> Result<FakeController> {
        self.stop_processes();
        self.cluster.start_publishing_controller_of(self.line, &self.namespace)
    }
}

impl FakeController {
    /// Disconnects MeshSync, which then does not reconnect until its pod is replaced.
    pub async fn give_up_meshsync(&self) -> Result<()> {
        self.gives_up.store(true, Ordering::Relaxed);
        self.until_disconnected().await
    }

    /// Waits until MeshSync is connected to the broker.
    pub async fn until_connected(&self) -> Result<()> {
        self.until("MeshSync to connect", |status| status.connected).await
    }

    /// Waits until MeshSync is connected and has published what existed at its start, and Meshery Server is connected.
    pub async fn until_settled(&self) -> Result<()> {
        self.until("MeshSync to publish what exists", |status| status.settled).await
    }

    /// Waits until no MeshSync is connected.
    pub async fn until_disconnected(&self) -> Result<()> {
        self.until("MeshSync to disconnect", |status| !status.connected).await
    }

    /// Waits until a round has ended that began after this call, so that it has seen every earlier change.
    pub async fn until_up_to_date(&self) -> Result<()> {
        let rounds = self.status.lock().unwrap_or_else(PoisonError::into_inner).rounds;
        self.until("the fake controller to see the changes", |status| status.rounds > rounds + 1).await
    }

    async fn until(&self, what: &str, is_reached: impl Fn(&Status) -> bool) -> Result<()> {
        let status = || self.status.lock().unwrap_or_else(PoisonError::into_inner);
        wait::until(what, Duration::from_secs(60), || async { Ok(is_reached(&status()).then_some(())) })
            .await
            .with_context(|| match &status().last_error {
                Some(error) => format!("the fake controller's last error: {error}"),
                None => "the fake controller reports no error".into(),
            })
    }
}

impl Drop for FakeController {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The state of the control loop.
struct Controller {
    cluster: Cluster,
    operator: FakeOperator,
    /// The real operator, if the environment names its binary.
    real: Option<Process>,
    /// etcd's revision before the namespace was last read without an error, and when that was.
    reconciled_at: (Option<u64>, Instant),
    /// The broker servers by pod name, each with the UID of its pod.
    servers: BTreeMap<String, (Value, Broker)>,
    /// Whether MeshSync publishes events and a Meshery Server receives them.
    is_publishing: bool,
    /// What runs for each MeshSync pod, by the pod's UID.
    meshsyncs: BTreeMap<String, MeshSync>,
    /// The Meshery Server, with the UID of the broker pod to which it is connected.
    server: Option<(Value, FakeClient)>,
    /// Set when every MeshSync gives up.
    gives_up: Arc<AtomicBool>,
}

impl Controller {
    fn new(cluster: Cluster, client: Client, setup: Setup, is_publishing: bool) -> Self {
        Self {
            cluster,
            operator: FakeOperator::new(client, setup),
            real: None,
            reconciled_at: (None, Instant::now()),
            servers: BTreeMap::new(),
            is_publishing,
            meshsyncs: BTreeMap::new(),
            server: None,
            gives_up: Arc::default(),
        }
    }

    /// One round. It reads the namespace only if something was written since the last time: the reads of all rounds
    /// would keep a third of a core busy.
    async fn reconcile_if_needed(&mut self) -> Result<()> {
        let revision = self.cluster.revision().await.ok();
        let (read_at, last_read) = self.reconciled_at;
        let is_unchanged = revision.is_some() && revision == read_at && last_read.elapsed() < REREAD;
        let is_running = self.meshsyncs.values().all(MeshSync::is_current) && !self.gives_up.load(Ordering::Relaxed);
        if is_unchanged && is_running {
            return Ok(());
        }
        // After an error, the next round tries again.
        self.reconciled_at = (None, Instant::now());
        self.reconcile().await?;
        self.reconciled_at.0 = revision;
        Ok(())
    }

    /// Reads the namespace and does what is needed.
    async fn reconcile(&mut self) -> Result<()> {
        let deployment = self.operator.deployment().await?;
        let deployment = deployment.filter(|found| found["status"]["readyReplicas"].as_u64() > Some(0));
        // The old operator creates no broker of the current line, even if the CRDs have both versions.
        let deployment = deployment.filter(|found| !self.operator.is_current() || !is_old_operator(found));
        let is_ready = deployment.is_some();
        match real::operator().filter(|_| self.operator.is_current()) {
            Some(_) if !is_ready => self.real = None,
            Some(binary) if self.real.is_none() => {
                let FakeOperator { client, setup, .. } = &self.operator;
                let start = real::start_operator(&self.cluster, client, &setup.namespace, binary);
                self.real = Some(start.await?);
            }
            Some(_) => {}
            None => match deployment {
                Some(deployment) => self.operator.run(&deployment).await?,
                None => self.operator.restart(),
            },
        }
        self.run_brokers().await?;
        self.run_meshsync().await?;
        self.run_server()
    }
}

/// Only the old operator line has a proxy beside the manager.
fn is_old_operator(deployment: &Value) -> bool {
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array();
    containers.into_iter().flatten().any(|container| container["name"] == "kube-rbac-proxy")
}

fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}
