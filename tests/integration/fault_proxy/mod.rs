//! A proxy in front of the API server that injects faults: at a chosen write, or into every port-forward.
//!
//! Everything else passes through unchanged, watches and port-forwards included. The proxy runs in a thread of its own,
//! since a test blocks its thread while the program runs.

mod connections;
mod forward;
mod upstream;

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};

pub(crate) use self::forward::Forward;
use self::upstream::Upstream;
use crate::{
    bed::Cluster,
    tool::{self, Ran, Tool},
};

/// The moment of a write at which the fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When the proxy has received the write. It forwards the write after a delay, even if the client is gone.
    Intercepted,
    /// When the API server has applied the write, before the client gets the response.
    Applied,
    /// When the client has the response.
    Answered,
}

/// What happens at that moment.
#[derive(Clone)]
pub(crate) enum Action {
    /// The program gets this signal, by name.
    Signal(&'static str),
    /// All connections end, port-forwards included. New ones are accepted.
    Disconnect,
    /// All connections end, and no new one is accepted.
    ShutDown,
    /// No request is answered anymore.
    StopAnswering,
    /// The write is delayed for this long.
    Hold(Duration),
    /// Someone else does this. Then the run continues.
    Meanwhile(Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>),
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => write!(f, "Signal({name})"),
            Self::Disconnect => f.write_str("Disconnect"),
            Self::ShutDown => f.write_str("ShutDown"),
            Self::StopAnswering => f.write_str("StopAnswering"),
            Self::Hold(time) => write!(f, "Hold({time:?})"),
            Self::Meanwhile(_) => f.write_str("Meanwhile"),
        }
    }
}

/// The fault that a proxy injects.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// None: the proxy only counts writes.
    None,
    /// At this write, counted from 1.
    AtWrite(usize, Moment, Action),
    /// In every port-forward.
    Forwards(Forward),
}

impl Fault {
    /// After this write, before the client gets the response.
    pub(crate) fn after_write(number: usize, action: Action) -> Self {
        Self::AtWrite(number, Moment::Applied, action)
    }
}

/// The proxy. It runs until dropped.
pub(crate) struct FaultProxy {
    /// Points to the proxy, without credentials.
    pub(crate) kubeconfig: PathBuf,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    fault: Fault,
    /// Method and path of each write.
    writes: Mutex<Vec<String>>,
    /// The number of delayed writes that are not forwarded yet.
    held: AtomicUsize,
    pid: AtomicU32,
    injected: AtomicBool,
    /// Notified when all connections are to end.
    disconnect: watch::Sender<()>,
    upstream: Upstream,
}

impl State {
    fn has_injected(&self) -> bool {
        self.injected.load(Ordering::SeqCst)
    }

    /// Counts a write. Returns its number, from 1.
    fn count(&self, write: String) -> usize {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.push(write);
        writes.len()
    }

    async fn inject(&self, action: &Action) -> Result<()> {
        // Set before the action: the program may be gone before this function continues.
        self.injected.store(true, Ordering::SeqCst);
        match action {
            Action::StopAnswering | Action::Hold(_) => {}
            Action::Disconnect | Action::ShutDown => self.disconnect.send_replace(()),
            Action::Signal(signal) => tool::signal(self.pid.load(Ordering::SeqCst), signal),
            Action::Meanwhile(action) => action().await?,
        }
        Ok(())
    }
}

impl FaultProxy {
    /// Starts a proxy. Its clients have this user's permissions.
    pub(crate) fn start(cluster: &Cluster, user: &str, fault: Fault) -> Result<Self> {
        let state = Arc::new(State {
            fault,
            writes: Mutex::default(),
            held: AtomicUsize::new(0),
            pid: AtomicU32::new(0),
            injected: AtomicBool::new(false),
            disconnect: watch::Sender::new(()),
            upstream: Upstream::of(cluster, user)?,
        });
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let seen = state.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    _ = stopped => {}
                    () = connections::accept(listener, seen) => {}
                }
            });
        });
        let kubeconfig = cluster.file(&format!("kubeconfig-proxy-{}", address.port()));
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: proxy,
clusters: [{{name: proxy, cluster: {{server: 'http://{address}'}}}}],
contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy}}}}],
users: [{{name: proxy, user: {{}}}}]}}"
        );
        fs::write(&kubeconfig, text)?;
        Ok(Self { kubeconfig, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Runs the program through the proxy. The proxy learns the process id, to send signals to it.
    pub(crate) async fn run(&self, tool: Tool) -> Result<Ran> {
        let tool = tool.kubeconfig(&self.kubeconfig);
        let state = self.state.clone();
        let aim = move |pid| state.pid.store(pid, Ordering::SeqCst);
        tokio::task::spawn_blocking(move || tool.run_with_pid(aim)).await.context("the run ends")
    }

    /// The number of writes so far.
    pub(crate) fn writes(&self) -> usize {
        self.written().len()
    }

    /// Method and path of each write.
    pub(crate) fn written(&self) -> Vec<String> {
        let writes = &self.state.writes;
        writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the fault was injected.
    pub(crate) fn has_injected(&self) -> bool {
        self.state.has_injected()
    }

    /// Whether no write is delayed any longer.
    pub(crate) fn has_forwarded_all(&self) -> bool {
        self.state.held.load(Ordering::SeqCst) == 0
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
