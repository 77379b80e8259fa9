//! A MeshSync that truly publishes: a process of its own, with the rights of the stack's ServiceAccount.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::broker::Broker;
use super::line::Line;
use super::process::Process;
use super::rest::{self, BED};
use super::stack::Stack;
use super::{manifests, network, programs, real};

/// Where the real one's health endpoints are, on every address of the machine.
const REAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 11000);

/// What it is to do wrong, or in another way than it would by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Publishes each event that much later, in order.
    pub delay: Duration,
    /// Publishes under another cluster's identity.
    pub cluster_id: Option<String>,
    /// Publishes to another subject.
    pub subject: Option<String>,
    /// Never publishes events of these types, such as `MODIFIED`.
    pub drop: Vec<String>,
    /// Is connected and subscribed, and never publishes or answers.
    pub mute: bool,
    /// Takes up the kinds that CRDs define and then publishes everything anew, some five seconds after its start. The
    /// real one does so when it has a custom resource; a test seldom has a use for that moment.
    pub follow_crds: bool,
}

impl Faults {
    /// Whether the real one would have to do what it does not do by itself.
    fn are_asked_for(&self) -> bool {
        let natural = Self { follow_crds: self.follow_crds, ..Self::default() };
        *self != natural
    }

    fn flags(&self) -> Vec<String> {
        let mut flags = vec![format!("--delay={}ms", self.delay.as_millis())];
        flags.extend(self.cluster_id.iter().map(|id| format!("--cluster-id={id}")));
        flags.extend(self.subject.iter().map(|to| format!("--subject={to}")));
        flags.extend(self.drop.iter().map(|event| format!("--drop={event}")));
        let switches = [("--mute", self.mute), ("--follow-crds", self.follow_crds)];
        let on = switches.into_iter().filter(|(_, on)| *on);
        flags.extend(on.map(|(flag, _)| flag.to_owned()));
        flags
    }
}

/// A running MeshSync; killed on drop.
#[derive(Debug)]
pub struct Publisher {
    process: Process,
    health: SocketAddrV4,
}

impl Stack {
    /// Starts a MeshSync that publishes to a broker, and returns when it has published what was there at its start.
    ///
    /// The port 11000 of MeshSync's pod leads to it. It is the real one where `MESHSYNC_BIN` names that and no fault is
    /// asked for; there can be one of those on a machine, and it knows no other namespace than `meshery`.
    pub async fn publishing(&self, broker: usize, faults: &Faults) -> Result<Publisher> {
        let broker = self.nats(broker);
        let binary = real::meshsync().filter(|_| self.line == Line::Current && *faults == Faults::default());
        let is_real = binary.is_some();
        let health = if is_real {
            ensure!(
                !network::answers(*REAL.ip(), REAL.port()),
                "something listens on port 11000, which the real MeshSync needs"
            );
            REAL
        } else {
            let [port] = network::free_ports()?;
            SocketAddrV4::new(self.cluster.addresses().spare(), port)
        };
        let pod = self.pods("meshsync").await?.pop();
        let values = [
            ("pod", pod.as_deref().context("MeshSync has no pod")?),
            ("ns", &self.namespace),
            ("address", &health.ip().to_string()),
            ("port", &health.port().to_string()),
        ];
        let forward = manifests::fill(include_str!("manifests/health-port.yaml"), &values)?;
        rest::write_all(&self.client, BED, &forward).await?;

        let process = if let Some(binary) = binary {
            real::start_meshsync(&self.cluster, &self.client, &self.namespace, binary, broker.url()).await?
        } else {
            self.start_stand_in(broker, health, faults).await?
        };
        let publisher = Publisher { process, health };
        if is_real {
            publisher.wait_quiet(broker, self.line).await?;
        } else {
            publisher.wait_for("/settled").await?;
        }
        Ok(publisher)
    }

    async fn start_stand_in(&self, broker: &Broker, health: SocketAddrV4, faults: &Faults) -> Result<Process> {
        let names = self.line.names();
        let namespace = &self.namespace;
        let kubeconfig = real::service_account_kubeconfig(&self.cluster, &self.client, namespace, names.prefix).await?;
        let mut args = vec![
            format!("--namespace={namespace}"),
            format!("--prefix={}", names.prefix),
            format!("--group={}", names.group),
            format!("--health={health}"),
        ];
        // Meshplay's MeshSync is older than watch-lists. The old line's is under a tag that moves, and so is a new one
        // that finds no list, since the old definitions do not have it: it is silent.
        if self.line == Line::Meshplay {
            args.push("--before-watch-lists".to_owned());
        }
        args.extend(faults.flags());
        let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("BROKER_URL", broker.url())];
        let log = self.cluster.file(&format!("meshsync-{namespace}.log"));
        Process::start("meshsync", &log, programs::meshsync()?, &args, &env)
    }
}

impl Publisher {
    /// Freezes it: it stays connected and does nothing. Returns when every thread of it has stopped.
    pub fn pause(&self) -> Result<()> {
        self.process.pause()
    }

    /// Lets a frozen one go on.
    pub fn resume(&self) -> Result<()> {
        self.process.resume()
    }

    /// Kills it, and returns when it is gone; the broker may take a moment to notice.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// What its health endpoint says to a path: the status code.
    pub async fn health(&self, path: &str) -> Result<u16> {
        let mut stream = tokio::net::TcpStream::connect(self.health).await?;
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.with_context(|| format!("{path} was answered with {answer:?}"))
    }

    /// Waits until a path is answered with 200.
    async fn wait_for(&self, path: &str) -> Result<()> {
        for _ in 0..3000 {
            if self.process.ended().is_some() {
                break;
            }
            if self.health(path).await.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("MeshSync is not there; the end of its log:\n{}", self.process.log_tail(15))
    }

    /// The real one does not say when it has published what was there: waits until nothing more comes. Some five seconds
    /// after its start it takes up the kinds that CRDs define, and publishes everything once more.
    async fn wait_quiet(&self, broker: &Broker, line: Line) -> Result<()> {
        let subject = format!("{}.meshsync.core", line.names().prefix);
        let mut events = broker.listen(&subject).await?;
        self.wait_for("/readyz").await?;
        ensure!(broker.lists("meshsync").await?, "MeshSync is ready and not connected");
        let quiet = Duration::from_secs(7);
        while tokio::time::timeout(quiet, events.next()).await.is_ok() {}
        Ok(())
    }
}
