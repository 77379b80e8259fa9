//! An address before the API server, in a thread of its own: a test blocks its thread while the program runs.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command, thread::JoinHandle};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, sync::oneshot};

use crate::bed::Cluster;

/// Open until dropped.
pub(crate) struct Doorway {
    /// Leads there, without credentials.
    pub(crate) kubeconfig: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Doorway {
    /// Opens one; whoever comes is served by this, until it ends of itself or the doorway is dropped.
    pub(crate) fn open<S>(cluster: &Cluster, serve: S) -> Result<Self>
    where
        S: AsyncFnOnce(TcpListener) + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let _ = tell.send(listener.local_addr().expect("an address"));
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener) => {}
                }
            });
        });
        let address: SocketAddr = told.recv().context("it did not open")?;
        let kubeconfig = cluster.file(&format!("kubeconfig-gate-{}", address.port()));
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: gate,
clusters: [{{name: gate, cluster: {{server: 'http://{address}'}}}}],
contexts: [{{name: gate, context: {{cluster: gate, user: gate}}}}],
users: [{{name: gate, user: {{}}}}]}}"
        );
        fs::write(&kubeconfig, text)?;
        Ok(Self {
            kubeconfig,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Doorway {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a process a signal, by name.
pub(crate) fn signal(pid: &str, name: &str) -> Result<()> {
    let script = "kill -s \"$1\" \"$2\"";
    Command::new("sh")
        .args(["-c", script, "sh", name, pid])
        .status()?;
    Ok(())
}
