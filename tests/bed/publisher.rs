//! A MeshSync that publishes events: a separate process with the permissions of the stack's ServiceAccount.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt as _;
use kube::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::broker::Broker;
use super::cluster::Cluster;
use super::line::Line;
use super::process::Process;
use super::rest::{self, BED};
use super::stack::Stack;
use super::{manifests, network, programs, real};

/// The health endpoint of the real MeshSync, which listens on every address of the machine.
const REAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 11000);

/// Faults of the fake MeshSync, and other deviations from its default behavior.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Delays each event by this time; the order stays.
    pub delay: Duration,
    /// Publishes with this cluster ID.
    pub cluster_id: Option<String>,
    /// Publishes to this subject.
    pub subject: Option<String>,
    /// Never publishes events of these types, such as `MODIFIED`.
    pub drop: Vec<String>,
    /// Connects and subscribes, but never publishes or answers.
    pub mute: bool,
    /// Also watches the kinds that CRDs define and then publishes everything again, about five seconds after its start.
    /// The real MeshSync does this if it has a custom resource; few tests need it.
    pub follow_crds: bool,
}

impl Faults {
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

/// Where a MeshSync runs.
#[derive(Clone, Copy)]
pub(super) struct Location<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) client: &'a Client,
    pub(super) line: Line,
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
}

impl Stack {
    /// Starts a MeshSync that publishes to a broker; returns when it has published the objects that existed at its
    /// start.
    ///
    /// Port 11000 of MeshSync's pod is forwarded to it. If `MESHSYNC_BIN` is set and no fault is requested, it is the
    /// real MeshSync. A machine can run only one of those, and it only uses the namespace `meshery`.
    pub async fn start_publisher(&self, broker: usize, faults: &Faults) -> Result<Publisher> {
        let broker = self.nats(broker);
        let pod = self.pods("meshsync").await?.pop();
        let location = Location {
            cluster: &self.cluster,
            client: &self.client,
            line: self.line,
            namespace: &self.namespace,
            pod: pod.as_deref().context("MeshSync has no pod")?,
        };
        let publisher = Publisher::start(location, &broker.url(), faults).await?;
        if publisher.is_real() {
            publisher.wait_quiet(broker, self.line).await?;
        } else {
            publisher.wait_for("/settled").await?;
        }
        Ok(publisher)
    }
}

impl Publisher {
    /// [`Stack::start_publisher`] for any pod, without waiting.
    pub(super) async fn start(location: Location<'_>, broker_url: &str, faults: &Faults) -> Result<Self> {
        let Location { cluster, client, line, namespace, pod } = location;
        let real = real::meshsync().filter(|_| line == Line::Current && *faults == Faults::default());
        let health = if real.is_some() {
            ensure!(
                !network::is_listening(*REAL.ip(), REAL.port()),
                "port 11000, which the real MeshSync needs, is in use"
            );
            REAL
        } else {
            let [port] = network::free_ports()?;
            SocketAddrV4::new(cluster.addresses().spare(), port)
        };
        let values = [
            ("pod", pod),
            ("ns", namespace),
            ("address", &health.ip().to_string()),
            ("port", &health.port().to_string()),
        ];
        let forward = manifests::fill(include_str!("manifests/health-port.yaml"), &values)?;
        rest::write_all(client, BED, &forward).await?;

        let url = broker_url.to_owned();
        let process = if let Some(binary) = real {
            real::start_meshsync(cluster, client, namespace, binary, url).await?
        } else {
            start_fake(location, url, health, faults).await?
        };
        Ok(Self { process, health })
    }

    fn is_real(&self) -> bool {
        self.health == REAL
    }

    /// Whether MeshSync has not exited.
    pub(super) fn is_running(&self) -> bool {
        self.process.exit_status().is_none()
    }

    /// Whether MeshSync has published the objects that existed at its start. The real MeshSync does not report this, so
    /// it counts from the time at which it is ready.
    pub(super) async fn is_settled(&self) -> bool {
        let path = if self.is_real() { "/readyz" } else { "/settled" };
        self.health(path).await.is_ok_and(|status| status == 200)
    }
}

async fn start_fake(location: Location<'_>, url: String, health: SocketAddrV4, faults: &Faults) -> Result<Process> {
    let Location { cluster, client, line, namespace, .. } = location;
    let names = line.names();
    let kubeconfig = real::service_account_kubeconfig(cluster, client, namespace, names.prefix).await?;
    let mut args = vec![
        format!("--namespace={namespace}"),
        format!("--prefix={}", names.prefix),
        format!("--group={}", names.group),
        format!("--health={health}"),
        format!("--source={}", network::address_of_pod()),
    ];
    // Meshery's old operator line uses a moving tag, so its MeshSync is a new one.
    if line == Line::Meshplay {
        args.push("--defaults-without-events".to_owned());
    }
    args.extend(faults.flags());
    let env = [("KUBECONFIG", kubeconfig.display().to_string()), ("BROKER_URL", url)];
    let log = cluster.file(&format!("meshsync-{namespace}.log"));
    Process::start("meshsync", &log, programs::meshsync()?, &args, &env)
}

impl Publisher {
    /// Pauses MeshSync: it stays connected but does nothing. Returns when all its threads have stopped.
    pub fn pause(&self) -> Result<()> {
        self.process.pause()
    }

    /// Resumes a paused MeshSync.
    pub fn resume(&self) -> Result<()> {
        self.process.resume()
    }

    /// Kills MeshSync and waits for its end; the broker may notice a moment later.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// The status code that the health endpoint returns for a path.
    pub async fn health(&self, path: &str) -> Result<u16> {
        let mut stream = tokio::net::TcpStream::connect(self.health).await?;
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.with_context(|| format!("{path} was answered with {answer:?}"))
    }

    /// Waits until the health endpoint returns 200 for a path.
    async fn wait_for(&self, path: &str) -> Result<()> {
        for _ in 0..3000 {
            if self.process.exit_status().is_some() {
                break;
            }
            if self.health(path).await.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("MeshSync did not start; its log ends with:\n{}", self.process.log_tail(15))
    }

    /// Waits until the real MeshSync publishes nothing more, because it does not report when it has published all
    /// existing objects. About five seconds after its start it also watches the kinds that CRDs define and publishes
    /// everything again.
    async fn wait_quiet(&self, broker: &Broker, line: Line) -> Result<()> {
        let subject = format!("{}.meshsync.core", line.names().prefix);
        let mut events = broker.listen(&subject).await?;
        self.wait_for("/readyz").await?;
        ensure!(broker.has_client("meshsync").await?, "MeshSync is ready but not connected");
        let quiet = Duration::from_secs(7);
        while tokio::time::timeout(quiet, events.next()).await.is_ok() {}
        Ok(())
    }
}
