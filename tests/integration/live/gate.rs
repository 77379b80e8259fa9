//! A gate before the API server: it counts what is written, and strikes after a certain write.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::doorway::{self, Doorway};
use crate::bed::Cluster;

/// What happens once the write is made, and before anybody is told that it is.
#[derive(Clone)]
pub(super) enum Strike {
    /// Nothing.
    Never,
    /// The program is sent this signal, by name.
    Signal(&'static str),
    /// Every connection ends, and no other is taken.
    HangUp,
    /// Somebody else does this meanwhile; then the run goes on.
    Meanwhile(Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>),
}

/// Open until dropped.
pub(super) struct Gate {
    pub(super) kubeconfig: PathBuf,
    state: Arc<State>,
    _doorway: Doorway,
}

struct State {
    after: usize,
    strike: Strike,
    writes: AtomicUsize,
    pid: AtomicU32,
    struck: AtomicBool,
}

impl Gate {
    /// Opens one that strikes after so many writes; those who come through it have this user's rights.
    pub(super) fn open(
        cluster: &Cluster,
        user: &str,
        strike: Strike,
        after: usize,
    ) -> Result<Self> {
        let state = Arc::new(State {
            after,
            strike,
            writes: AtomicUsize::new(0),
            pid: AtomicU32::new(0),
            struck: AtomicBool::new(false),
        });
        let (through, user, seen) = (cluster.clone(), user.to_owned(), state.clone());
        let doorway = Doorway::open(cluster, async move |listener| {
            let client = through.client_for(&user).await.expect("a client");
            accept(listener, client, seen).await;
        })?;
        Ok(Self {
            kubeconfig: doorway.kubeconfig.clone(),
            state,
            _doorway: doorway,
        })
    }

    /// Whom a signal goes to.
    pub(super) fn aim(&self) -> impl FnOnce(u32) + Send + use<> {
        let state = self.state.clone();
        move |pid| state.pid.store(pid, Ordering::SeqCst)
    }

    /// How many writes came through.
    pub(super) fn writes(&self) -> usize {
        self.state.writes.load(Ordering::SeqCst)
    }

    /// Whether there were as many writes as it waited for.
    pub(super) fn has_struck(&self) -> bool {
        self.state.struck.load(Ordering::SeqCst)
    }
}

/// Takes connections until it hangs up, which ends those that there are, too.
async fn accept(listener: TcpListener, client: Client, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            connection = listener.accept() => {
                let Ok((stream, _)) = connection else { return };
                let (client, state) = (client.clone(), state.clone());
                connections.spawn(async move {
                    let _ = serve(stream, &client, &state).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
        if matches!(state.strike, Strike::HangUp) && state.struck.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// One request after another.
async fn serve(stream: TcpStream, client: &Client, state: &State) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        let (method, path) = (
            words.next().context("no method")?.to_owned(),
            words.next().context("no path")?.to_owned(),
        );
        let mut request = http::Request::builder().method(method.as_str()).uri(&path);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "content-type" | "accept" | "user-agent" => {
                    request = request.header(name, value);
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = client.send(request.body(Body::from(body))?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let changes =
            method != "GET" && !path.contains("dryRun=All") && !path.contains("accessreviews");
        if changes && state.writes.fetch_add(1, Ordering::SeqCst) + 1 == state.after {
            match &state.strike {
                Strike::Never => {}
                Strike::Meanwhile(deed) => {
                    state.struck.store(true, Ordering::SeqCst);
                    deed().await.expect("what is done meanwhile");
                }
                Strike::HangUp => {
                    state.struck.store(true, Ordering::SeqCst);
                    return Ok(());
                }
                Strike::Signal(signal) => {
                    let pid = state.pid.load(Ordering::SeqCst).to_string();
                    // Before the signal: the program may be gone before this goes on.
                    state.struck.store(true, Ordering::SeqCst);
                    doorway::signal(&pid, signal)?;
                    std::future::pending::<()>().await;
                }
            }
        }
        let head = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
    }
}
