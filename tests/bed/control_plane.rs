//! The programs of a control plane, and their flags.
//!
//! Apart from addresses and file names, each flag is set because the cluster misbehaved without it.

use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::Client;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::cluster::Options;
use super::network::{self, Addresses};
use super::node::{self, Node};
use super::process::Process;
use super::rest::{self, BED};
use super::scratch::{self, Scratch};
use super::{certificates, crds, manifests, programs, wait};

/// The programs, in the order in which they are stopped: etcd, which the others depend on, is the last.
#[derive(Debug)]
pub struct ControlPlane {
    node: Kubelet,
    scheduler: Process,
    controllers: Process,
    /// The API server.
    pub api_server: Process,
    etcd: Process,
    etcd_port: u16,
}

/// What runs the node's pods.
#[derive(Debug)]
enum Kubelet {
    /// Only reports that they run.
    Kwok(Process),
    /// Runs containers.
    Node(Box<Node>),
}

impl ControlPlane {
    /// Starts the programs; returns when the node accepts pods.
    pub async fn start(
        scratch: &Scratch,
        options: &Options,
        port: u16,
        addresses: &Addresses,
        client: &Client,
    ) -> Result<Self> {
        let [etcd_port, peer_port, kubelet_port] = network::free_ports()?;
        let etcd = start_etcd(scratch, etcd_port, peer_port)?;
        wait_for(&etcd, Duration::from_secs(20), || async { network::is_listening(Ipv4Addr::LOCALHOST, etcd_port) })
            .await?;
        let api_server = start_api_server(scratch, options, port, etcd_port, addresses)?;
        wait_for(&api_server, Duration::from_secs(60), || is_api_server_ready(client)).await?;
        let controllers = start_controllers(scratch, options)?;
        let scheduler = start_scheduler(scratch)?;
        let node = if options.runs_containers {
            Kubelet::Node(Box::new(Node::start(scratch, client).await?))
        } else {
            install_kwok(client).await?;
            Kubelet::Kwok(start_kwok(scratch, kubelet_port)?)
        };
        let programs = Self { node, scheduler, controllers, api_server, etcd, etcd_port };
        wait_for(programs.kubelet(), Duration::from_secs(60), || is_node_ready(client)).await?;
        if options.runs_containers {
            Node::until_dns_is_ready(client).await.map_err(|error| error.context(programs.log_tails()))?;
        }
        Ok(programs)
    }

    /// The kubelet, real or not.
    pub fn kubelet(&self) -> &Process {
        match &self.node {
            Kubelet::Kwok(kwok) => kwok,
            Kubelet::Node(node) => &node.kubelet,
        }
    }

    /// The revision of etcd, which every write increments. Reading it is much cheaper than a request to the API server.
    pub async fn revision(&self) -> Result<u64> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.etcd_port)).await?;
        stream.write_all(b"POST /v3/maintenance/status HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("etcd sends no HTTP response")?;
        let status: Value = serde_json::from_str(body)?;
        let revision = status["header"]["revision"].as_str();
        revision.with_context(|| format!("etcd reports no revision: {body}"))?.parse().context("etcd's revision")
    }

    /// The last lines of every program's log.
    pub fn log_tails(&self) -> String {
        let control_plane = [&self.etcd, &self.api_server, &self.controllers, &self.scheduler];
        let node = match &self.node {
            Kubelet::Kwok(kwok) => vec![kwok],
            Kubelet::Node(node) => node.programs().to_vec(),
        };
        let tail = |program: &Process| format!("--- {}\n{}\n", program.name(), program.log_tail(8));
        let tails: Vec<String> = control_plane.into_iter().chain(node).map(tail).collect();
        tails.concat()
    }
}

/// By default, controllers are limited to about 20 requests per second, which delays a stack by seconds.
const QPS: &str = "--kube-api-qps=500";
const BURST: &str = "--kube-api-burst=1000";

/// The garbage collector of Go runs when the heap has grown by so many percent, or has this size. With the defaults, it
/// takes a sixth of the API server's time.
const GARBAGE_COLLECTION: [(&str, &str); 2] = [("GOGC", "400"), ("GOMEMLIMIT", "600MiB")];

/// Passed on to the programs. One thread for each of them takes less time in all if many clusters share the cores.
const THREADS: &str = "GOMAXPROCS";

fn start(scratch: &Scratch, name: &str, args: &[String]) -> Result<Process> {
    let garbage_collection = GARBAGE_COLLECTION.map(|(variable, value)| (variable, value.to_owned()));
    let threads = std::env::var(THREADS).ok().map(|number| (THREADS, number));
    let env: Vec<(&str, String)> = garbage_collection.into_iter().chain(threads).collect();
    Process::start(name, &scratch.file(&format!("{name}.log")), &programs::program(name)?, args, &env)
}

fn start_etcd(scratch: &Scratch, port: u16, peer_port: u16) -> Result<Process> {
    let url = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    let args = [
        "--data-dir=etcd".to_owned(),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=error".to_owned(),
    ];
    start(scratch, "etcd", &args)
}

fn start_api_server(
    scratch: &Scratch,
    options: &Options,
    port: u16,
    etcd_port: u16,
    addresses: &Addresses,
) -> Result<Process> {
    let mut args = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--secure-port={port}"),
        "--cert-dir=certificates".to_owned(),
        format!("--tls-cert-file={}", certificates::CERTIFICATE),
        format!("--tls-private-key-file={}", certificates::KEY),
        "--token-auth-file=tokens.csv".to_owned(),
        format!("--service-account-key-file={}", certificates::SIGNING_PUBLIC),
        format!("--service-account-signing-key-file={}", certificates::SIGNING_KEY),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        // A handful of clients needs no fair queues, which take time for every request.
        "--enable-priority-and-fairness=false".to_owned(),
        "--allow-privileged".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
    ];
    if options.runs_containers {
        args.extend([
            "--bind-address=0.0.0.0".to_owned(),
            format!("--advertise-address={}", node::ADDRESS),
            format!("--service-cluster-ip-range={}", node::SERVICES),
        ]);
    } else {
        args.extend([
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--service-cluster-ip-range={}", addresses.cidr()),
            // No container reads the token of a ServiceAccount, and none connects to the Service `kubernetes`.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ]);
    }
    fs::write(scratch.file("audit.yaml"), AUDIT_POLICY)?;
    args.push("--audit-policy-file=audit.yaml".to_owned());
    args.push("--audit-log-path=audit.log".to_owned());
    args.extend(options.api_server_flags.iter().cloned());
    start(scratch, "kube-apiserver", &args)
}

fn start_controllers(scratch: &Scratch, options: &Options) -> Result<Process> {
    let mut args = vec![
        "--kubeconfig=kubeconfig".to_owned(),
        format!("--service-account-private-key-file={}", certificates::SIGNING_KEY),
        format!("--root-ca-file={}", certificates::AUTHORITY),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        // kwok's node sometimes becomes NotReady in its first minute, and with it every Deployment.
        format!("--node-monitor-grace-period={}", if options.runs_containers { "15s" } else { "1h" }),
        "--controllers=*,-nodeipam,-cloud-node-lifecycle".to_owned(),
        QPS.to_owned(),
        BURST.to_owned(),
    ];
    // The last of two equal flags counts.
    args.extend(options.controller_flags.iter().cloned());
    start(scratch, "kube-controller-manager", &args)
}

fn start_scheduler(scratch: &Scratch) -> Result<Process> {
    let args = ["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0", QPS, BURST];
    start(scratch, "kube-scheduler", &args.map(String::from))
}

fn start_kwok(scratch: &Scratch, port: u16) -> Result<Process> {
    fs::write(scratch.file("kwok.yaml"), "apiVersion: config.kwok.x-k8s.io/v1alpha1\nkind: KwokConfiguration\n")?;
    let args = [
        "--kubeconfig=kubeconfig".to_owned(),
        "--config=kwok.yaml".to_owned(),
        "--manage-all-nodes".to_owned(),
        "--node-ip=127.0.0.1".to_owned(),
        format!("--node-port={port}"),
        format!("--server-address=127.0.0.1:{port}"),
        // Without it, nodes become NotReady after 40 s.
        "--node-lease-duration-seconds=40".to_owned(),
        // Pod addresses must not be loopback addresses. This range is reserved for documentation; nothing connects to it.
        "--cidr=198.51.100.1/24".to_owned(),
        "--enable-crds=PortForward,Logs".to_owned(),
    ];
    start(scratch, "kwok", &args)
}

/// Installs kwok's CRDs, which it does not install itself, and the only node.
async fn install_kwok(client: &Client) -> Result<()> {
    let folder = programs::folder()?.join("crds");
    let mut objects = manifests::parse(include_str!("manifests/node.yaml"))?;
    for entry in fs::read_dir(&folder)? {
        objects.extend(manifests::parse(&fs::read_to_string(entry?.path())?)?);
    }
    rest::write_all(client, BED, &objects).await?;
    wait::until("kwok's CRDs to be served", Duration::from_secs(15), || async {
        for kind in ["PortForward", "Logs"] {
            if rest::get(client, &rest::collection("kwok.x-k8s.io/v1alpha1", kind, None)).await.is_err() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    crds::backdate(client, &["portforwards", "logs"].map(|plural| crds::path(plural, "kwok.x-k8s.io"))).await
}

/// Waits until a program is ready; fails immediately if it exits.
async fn wait_for<F>(program: &Process, limit: Duration, mut is_ready: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = bool>,
{
    let tail = || format!("its log ends with:\n{}\n(set {} to keep all logs)", program.log_tail(25), scratch::KEEP);
    let start = Instant::now();
    while !is_ready().await {
        if let Some(status) = program.exit_status() {
            bail!("{} exited with {status}; {}", program.name(), tail());
        }
        if start.elapsed() > limit {
            bail!("{} is not ready after {} s; {}", program.name(), limit.as_secs(), tail());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn is_api_server_ready(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    client.request_text(request).await.is_ok()
}

async fn is_node_ready(client: &Client) -> bool {
    let Ok(node) = rest::get(client, "/api/v1/nodes/node-1").await else {
        return false;
    };
    let conditions = node["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && node["spec"]["taints"].is_null()
}

/// Logs every change, without bodies, but not the Leases and Events of the cluster itself.
const AUDIT_POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  resources:
  - group: coordination.k8s.io
  - group: ""
    resources: [events]
  - group: events.k8s.io
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"#;
