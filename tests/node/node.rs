//! A node that runs containers: containerd, the kubelet, kube-proxy, CoreDNS and the enforcement of NetworkPolicies.
//!
//! It needs namespaces of its own (network, mounts, processes), which `tests/node/enter` creates; so everything that it
//! starts, mounts or configures disappears with them. Each setting that is not an address or a file name is set because
//! the node did not work without it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use serde_json::json;

use super::policies::Enforcer;
use super::process::Process;
use super::rest::{self, BED};
use super::scratch::Scratch;
use super::{manifests, programs, wait};

/// The node's address; documentation ranges for it and the pods, and the benchmarking range for Services.
pub const ADDRESS: &str = "192.0.2.10";
/// The range of the cluster IPs.
pub const SERVICES: &str = "198.18.0.0/16";
/// The cluster IP of the API server: the first one of the range.
pub const API_SERVICE: &str = "198.18.0.1";
/// The cluster IP of the cluster's DNS service.
const DNS_SERVICE: &str = "198.18.0.10";
/// The range of the pods.
pub const PODS: &str = "198.51.100.0/24";
/// The image that holds a pod's namespaces.
const PAUSE: &str = "meshdoctor.test/pause:1";
/// The archives of the images of the stack and of meshdoctor.
pub const STACK: [&str; 5] = ["operator", "meshsync", "nats", "reloader", "meshdoctor"];
/// The variable with the folder of the image archives. `tests/node/enter` sets it.
pub const IMAGES: &str = "MESHDOCTOR_NODE_IMAGES";

/// The programs of a node, in the order in which they are stopped.
#[derive(Debug)]
pub struct Node {
    _policies: Enforcer,
    proxy: Process,
    /// The kubelet.
    pub kubelet: Process,
    containerd: Process,
}

impl Node {
    /// Starts the programs and the cluster's DNS service; returns when the node accepts pods.
    pub async fn start(scratch: &Scratch, client: &Client) -> Result<Self> {
        images()?;
        let containerd = start_containerd(scratch).await?;
        for archive in ["pause", "coredns"].iter().chain(&STACK) {
            import(scratch.path(), archive)?;
        }
        let kubelet = start_kubelet(scratch)?;
        let proxy = start(
            scratch,
            "kube-proxy",
            &[
                "--kubeconfig=kubeconfig".to_owned(),
                "--hostname-override=node-1".to_owned(),
                "--proxy-mode=iptables".to_owned(),
                // The kernel allows nobody to set these limits.
                "--conntrack-max-per-core=0".to_owned(),
                "--conntrack-tcp-timeout-established=0s".to_owned(),
                "--conntrack-tcp-timeout-close-wait=0s".to_owned(),
            ],
        )?;
        let dns = manifests::fill(include_str!("manifests/dns.yaml"), &[("address", DNS_SERVICE)])?;
        rest::write_all(client, BED, &dns).await?;
        let policies = Enforcer::start(scratch)?;
        Ok(Self { _policies: policies, proxy, kubelet, containerd })
    }

    /// Waits until names are resolved.
    pub async fn until_dns_is_ready(client: &Client) -> Result<()> {
        let path = rest::path("apps/v1", "Deployment", "kube-system", "coredns");
        wait::until("the cluster's DNS service to be ready", Duration::from_secs(60), || async {
            Ok((rest::get(client, &path).await?["status"]["readyReplicas"] == 1).then_some(()))
        })
        .await
    }

    /// The programs, for their logs.
    pub fn programs(&self) -> [&Process; 3] {
        [&self.containerd, &self.kubelet, &self.proxy]
    }
}

/// The folder of the image archives.
fn images() -> Result<PathBuf> {
    let folder = std::env::var_os(IMAGES)
        .context("a node that runs containers needs namespaces of its own: start it with tests/run --node, or with cargo run --example bed -- --node")?;
    Ok(folder.into())
}

fn start(scratch: &Scratch, name: &str, args: &[String]) -> Result<Process> {
    Process::start(name, &scratch.file(&format!("{name}.log")), &programs::node_folder()?.join(name), args, &[])
}

async fn start_containerd(scratch: &Scratch) -> Result<Process> {
    let folder = scratch.path().to_string_lossy().into_owned();
    let files = [
        ("containerd.toml", include_str!("manifests/containerd.toml")),
        ("cni/10-pods.conflist", include_str!("manifests/cni.json")),
    ];
    fs::create_dir(scratch.file("cni"))?;
    for (name, template) in files {
        let text = template.replace("${folder}", &folder).replace("${pause}", PAUSE).replace("${pods}", PODS);
        fs::write(scratch.file(name), text)?;
    }
    let log = scratch.file("containerd.log");
    let args = ["--config=containerd.toml".to_owned()];
    let containerd = Process::start("containerd", &log, Path::new("containerd"), &args, &[])?;
    wait::until("containerd to start", Duration::from_secs(20), || async {
        ensure!(containerd.exit_status().is_none(), "containerd ended:\n{}", containerd.log_tail(15));
        Ok(ctr(scratch.path(), &["version"]).is_ok().then_some(()))
    })
    .await?;
    Ok(containerd)
}

/// Imports an image archive into the node of the cluster with this folder. An image of the same name is replaced, but
/// not in containers that exist.
pub fn import(cluster: &Path, archive: &str) -> Result<()> {
    let archive = images()?.join(format!("{archive}.tar"));
    ctr(cluster, &["images", "import", &archive.to_string_lossy()])
}

/// Removes an image, given by its full name.
pub fn remove_image(cluster: &Path, name: &str) -> Result<()> {
    ctr(cluster, &["images", "remove", "--sync", name])
}

fn ctr(cluster: &Path, args: &[&str]) -> Result<()> {
    let output = Command::new("ctr")
        .arg(format!("--address={}", cluster.join("containerd.sock").display()))
        .arg("--namespace=k8s.io")
        .args(args)
        .stdin(Stdio::null())
        .output()?;
    ensure!(output.status.success(), "ctr {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn start_kubelet(scratch: &Scratch) -> Result<Process> {
    // With the host's file, every pod would get the host's search domains.
    fs::write(scratch.file("resolv.conf"), "")?;
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": format!("unix://{}", scratch.file("containerd.sock").display()),
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        // A node is reported as not ready soon after the kubelet's end.
        "nodeLeaseDurationSeconds": 8,
        "nodeStatusUpdateFrequency": "2s",
        "resolvConf": scratch.file("resolv.conf"),
        "serializeImagePulls": false,
        "syncFrequency": "10s",
    });
    fs::write(scratch.file("kubelet.yaml"), config.to_string())?;
    let args = [
        "--config=kubelet.yaml".to_owned(),
        "--kubeconfig=kubeconfig".to_owned(),
        "--hostname-override=node-1".to_owned(),
        format!("--node-ip={ADDRESS}"),
        format!("--root-dir={}", scratch.file("kubelet").display()),
    ];
    start(scratch, "kubelet", &args)
}
