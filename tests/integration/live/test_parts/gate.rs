//! A gate before the API server that lets everything through, port-forwards and watches too, and strikes at a certain
//! write.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional,
    },
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    bed::{Cluster, users},
    live::doorway::{self, Doorway},
};

/// When it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// As the write comes; it goes on to the API server a while later, whatever has become of who sent it.
    OnItsWay,
    /// Once it is made; whoever sent it is never told.
    Made,
    /// Once whoever sent it is told, too.
    Told,
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Nothing.
    Nothing,
    /// The program is sent this signal, by name.
    Signal(&'static str),
    /// Every connection ends, port-forwards too; the next ones are taken.
    HangUp,
    /// As before, and no other is taken.
    HangUpForGood,
    /// Nothing is answered any more.
    FallSilent,
    /// It is held back for this long.
    Hold(Duration),
}

/// How long a write is held back that is on its way.
const HELD: Duration = Duration::from_millis(700);

/// Open until dropped.
pub(super) struct Gate {
    pub(super) kubeconfig: PathBuf,
    state: Arc<State>,
    _doorway: Doorway,
}

struct State {
    strike: (usize, Moment, Deed),
    writes: AtomicUsize,
    pid: AtomicU32,
    struck: AtomicBool,
    /// Told whenever every connection is to end.
    hang_up: watch::Sender<()>,
    upstream: Upstream,
}

/// The way to the API server itself.
pub(crate) struct Upstream {
    address: String,
    tls: TlsConnector,
    token: String,
}

impl Upstream {
    pub(crate) fn of(cluster: &Cluster, user: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(
            cluster.authority().as_bytes(),
        )?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: cluster.server().replace("https://", ""),
            tls: TlsConnector::from(Arc::new(config)),
            token: users::token(user),
        })
    }
}

impl Upstream {
    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(&self.address).await?;
        let name = ServerName::try_from("127.0.0.1")?;
        Ok(self.tls.connect(name, tcp).await?)
    }

    /// The header that says who asks.
    pub(crate) fn authorization(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

impl Gate {
    /// Opens one that strikes at a write, counted from 1; those who come through it have this user's rights.
    pub(super) fn open(
        cluster: &Cluster,
        user: &str,
        strike: (usize, Moment, Deed),
    ) -> Result<Self> {
        let state = Arc::new(State {
            strike,
            writes: AtomicUsize::new(0),
            pid: AtomicU32::new(0),
            struck: AtomicBool::new(false),
            hang_up: watch::Sender::new(()),
            upstream: Upstream::of(cluster, user)?,
        });
        let seen = state.clone();
        let doorway = Doorway::open(cluster, async move |listener| accept(listener, seen).await)?;
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

    /// Whether there were as many writes as it waited for.
    pub(super) fn has_struck(&self) -> bool {
        self.state.struck.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut hang_up = state.hang_up.subscribe();
    loop {
        tokio::select! {
            Ok(()) = hang_up.changed() => {
                if state.strike.2 == Deed::HangUpForGood {
                    return;
                }
            }
            Ok((stream, _)) = listener.accept() => {
                let state = state.clone();
                let mut hang_up = state.hang_up.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = hang_up.changed() => {}
                        _ = serve(stream, &state) => {}
                    }
                });
            }
        }
    }
}

/// One request: each has a connection of its own, on both sides.
async fn serve(stream: TcpStream, state: &State) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    let (mut length, mut upgrade) = (0, false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse()?,
            "upgrade" => upgrade = true,
            _ => {}
        }
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    head.push(state.upstream.authorization());
    if !upgrade {
        head.push("Connection: close".into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let is_write = !head[0].starts_with("GET ") && !head[0].contains("reviews") && !upgrade;
    let number = if is_write {
        state.writes.fetch_add(1, Ordering::SeqCst) + 1
    } else {
        0
    };
    let (wanted, moment, deed) = state.strike;
    let struck = is_write && number == wanted && deed != Deed::Nothing;
    if deed == Deed::FallSilent && state.struck.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    if struck && moment == Moment::OnItsWay {
        strike(state)?;
        let held = if let Deed::Hold(held) = deed {
            held
        } else {
            HELD
        };
        tokio::time::sleep(held).await;
    }
    let mut server = state.upstream.connect().await?;
    let head = head.join("\r\n") + "\r\n\r\n";
    server.write_all(head.as_bytes()).await?;
    server.write_all(&body).await?;
    if struck && moment != Moment::OnItsWay {
        let mut answer = Vec::new();
        // The server may end without saying goodbye, which is of no interest here.
        let _ = server.read_to_end(&mut answer).await;
        if moment == Moment::Told {
            stream.write_all(&answer).await?;
            stream.shutdown().await?;
        }
        strike(state)?;
        if moment == Moment::Made {
            std::future::pending::<()>().await;
        }
        return Ok(());
    }
    if struck {
        // Whoever sent it may be gone, and no reason to take it back.
        let mut answer = Vec::new();
        let _ = server.read_to_end(&mut answer).await;
        stream.write_all(&answer).await?;
        return Ok(());
    }
    copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}

fn strike(state: &State) -> Result<()> {
    // Before the deed: the program may be gone before this goes on.
    state.struck.store(true, Ordering::SeqCst);
    match state.strike.2 {
        Deed::Nothing | Deed::FallSilent | Deed::Hold(_) => {}
        Deed::HangUp | Deed::HangUpForGood => state.hang_up.send_replace(()),
        Deed::Signal(signal) => {
            let pid = state.pid.load(Ordering::SeqCst).to_string();
            doorway::signal(&pid, signal)?;
        }
    }
    Ok(())
}
