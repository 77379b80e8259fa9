//! A Kubernetes control plane on loopback, with kwok as the kubelet.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use super::certificates;
use super::control_plane::ControlPlane;
use super::crds::{self, Crds};
use super::line::Line;
use super::network::{self, Addresses};
use super::node;
use super::process::Process;
use super::programs;
use super::rest::{self, BED, Writer};
use super::scratch::Scratch;
use super::users;
use super::{client, manifests};

/// Options for starting a cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Additional flags for kube-apiserver.
    pub api_server_flags: Vec<String>,
    /// Additional flags for kube-controller-manager.
    pub controller_flags: Vec<String>,
    /// The node runs containers, which needs namespaces of its own; see [`super::node`]. Otherwise kwok acts as the
    /// kubelet.
    pub runs_containers: bool,
}

/// A running cluster. Clones share it; dropping the last one stops it.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Fields are dropped in this order: the programs must stop before their folder is removed.
    programs: ControlPlane,
    scratch: Scratch,
    server: String,
    authority: String,
    addresses: Addresses,
    next_user: AtomicUsize,
    crds: AsyncMutex<Crds>,
    cluster_scoped: Mutex<Vec<String>>,
    /// Where the entries of the current test begin in the audit log.
    audited_from: AtomicU64,
}

impl Cluster {
    /// Starts a cluster; returns when its node accepts pods.
    pub async fn start() -> Result<Self> {
        Self::start_with(&Options::default()).await
    }

    /// Starts a cluster with options. Retries if another process took a port in the meantime; other failures are
    /// returned.
    pub async fn start_with(options: &Options) -> Result<Self> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::attempt(options).await {
                Err(error) if attempts < 3 && format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
    }

    async fn attempt(options: &Options) -> Result<Self> {
        programs::folder()?;
        let scratch = Scratch::new()?;
        let [port] = network::free_ports()?;
        let host = if options.runs_containers { node::ADDRESS } else { "127.0.0.1" };
        let server = format!("https://{host}:{port}");
        let addresses = Addresses::of_port(port);
        let authority = certificates::write(&scratch)?;
        users::write_tokens(&scratch)?;
        let admin = users::kubeconfig(&server, &authority, users::ADMIN, &users::token(users::ADMIN));
        fs::write(scratch.file("kubeconfig"), &admin)?;

        let client = client::connect_as(users::ADMIN, &admin).await?;
        let programs = ControlPlane::start(&scratch, options, port, &addresses, &client).await?;

        Ok(Self(Arc::new(Inner {
            programs,
            scratch,
            server,
            authority,
            addresses,
            next_user: AtomicUsize::new(0),
            crds: AsyncMutex::new(Crds::Absent),
            cluster_scoped: Mutex::new(Vec::new()),
            audited_from: AtomicU64::new(0),
        })))
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.0.server
    }

    /// The certificate of the cluster's authority, in PEM.
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// The kubeconfig of a user: `nobody`, or one returned by [`Cluster::user`].
    pub fn kubeconfig_for(&self, user: &str) -> Result<PathBuf> {
        self.kubeconfig_with_token(user, &users::token(user))
    }

    /// A kubeconfig with any token, such as that of a service account.
    pub fn kubeconfig_with_token(&self, user: &str, token: &str) -> Result<PathBuf> {
        let path = self.file(&format!("kubeconfig-{user}"));
        fs::write(&path, users::kubeconfig(self.server(), self.authority(), user, token))?;
        Ok(path)
    }

    /// A user without permissions; no other test uses the same user.
    pub fn user(&self) -> Result<String> {
        let number = self.0.next_user.fetch_add(1, Ordering::Relaxed) + 1;
        ensure!(number <= users::SPARE, "all {} spare users of this cluster are in use", users::SPARE);
        Ok(format!("user-{number}"))
    }

    /// A file in the cluster's temporary folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.scratch.file(name)
    }

    /// The loopback addresses reserved for this cluster.
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// A client with all permissions, for the current runtime.
    pub async fn client(&self) -> Result<Client> {
        client::connect_as(users::ADMIN, &fs::read_to_string(self.kubeconfig())?).await
    }

    /// A client with a user's permissions.
    pub async fn client_for(&self, user: &str) -> Result<Client> {
        client::connect_as(user, &fs::read_to_string(self.kubeconfig_for(user)?)?).await
    }

    /// Runs kubectl as the administrator and returns its output; the error contains its standard error.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        let output = Command::new(programs::program("kubectl")?)
            .args(args)
            .env_clear()
            .env("HOME", self.0.scratch.path())
            .env("KUBECONFIG", self.kubeconfig())
            .output()?;
        ensure!(
            output.status.success(),
            "kubectl {} failed: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Applies objects with kubectl itself, for effects of its three-way merge.
    pub fn kubectl_apply(&self, objects: &[Value]) -> Result<()> {
        let file = self.file("apply.json");
        fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string())?;
        self.kubectl(&["apply", "-f", &file.to_string_lossy()]).map(drop)
    }

    /// Applies objects given as YAML or JSON documents, concurrently and in no particular order.
    pub async fn apply_yaml(&self, text: &str) -> Result<Vec<Value>> {
        self.apply(BED, &manifests::parse(text)?).await
    }

    /// Writes objects concurrently. Remembers the cluster-scoped ones, so that they can be deleted before the next test
    /// uses the cluster.
    pub async fn apply(&self, writer: Writer<'_>, objects: &[Value]) -> Result<Vec<Value>> {
        self.apply_with(&self.client().await?, writer, objects).await
    }

    /// [`Cluster::apply`] with an existing client.
    pub async fn apply_with(&self, client: &Client, writer: Writer<'_>, objects: &[Value]) -> Result<Vec<Value>> {
        for object in objects {
            let kind = object["kind"].as_str().unwrap_or_default();
            if rest::is_cluster_scoped(kind) && kind != "CustomResourceDefinition" {
                self.delete_on_return(rest::path_of(object)?);
            }
        }
        rest::write_all(client, writer, objects).await
    }

    /// Registers an object, given by its URL path, for deletion when a leased cluster is returned.
    pub fn delete_on_return(&self, path: String) {
        self.0.cluster_scoped.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// Creates a namespace, which is deleted when a leased cluster is returned.
    pub async fn create_namespace(&self, name: &str) -> Result<()> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.apply(BED, &[namespace]).await.map(drop)
    }

    /// Patches an object's status with a JSON merge patch.
    pub async fn patch_status(&self, path: &str, status: &Value) -> Result<Value> {
        rest::merge(&self.client().await?, &format!("{path}/status"), &json!({"status": status})).await
    }

    /// Ensures that exactly the CRDs of this operator line exist, as released.
    pub async fn ensure_crds(&self, client: &Client, line: Line) -> Result<()> {
        let mut crds = self.0.crds.lock().await;
        if *crds != Crds::Of(line) {
            if *crds != Crds::Absent {
                crds::remove(client).await?;
            }
            *crds = Crds::Changed;
            crds::install(client, line).await?;
            *crds = Crds::Of(line);
        }
        Ok(())
    }

    /// Applies the CRDs of an operator line over the existing ones, as an upgrade does.
    pub async fn upgrade_crds(&self, client: &Client, line: Line) -> Result<()> {
        self.crds_will_change().await;
        crds::install(client, line).await
    }

    /// Ensures that no CRD of the stack exists.
    pub async fn ensure_no_crds(&self, client: &Client) -> Result<()> {
        let mut crds = self.0.crds.lock().await;
        if *crds != Crds::Absent {
            crds::remove(client).await?;
            *crds = Crds::Absent;
        }
        Ok(())
    }

    /// Must be called before a test changes the CRDs in another way, so that the next test gets new ones.
    pub async fn crds_will_change(&self) {
        *self.0.crds.lock().await = Crds::Changed;
    }

    /// Sets the lines that `kubectl logs` prints for a container, with the time of this call as their timestamp.
    pub async fn set_pod_log(&self, namespace: &str, pod: &str, container: &str, lines: &[&str]) -> Result<()> {
        let file = self.file(&format!("log-{namespace}-{pod}-{container}"));
        let now = manifests::now_exactly();
        let mut text = String::new();
        for line in lines {
            writeln!(text, "{now} stdout F {line}")?;
        }
        fs::write(&file, text)?;
        let logs = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs",
            "metadata": {"name": pod, "namespace": namespace},
            "spec": {"logs": [{"containers": [container], "logsFile": file, "previousLogsFile": file, "follow": false}]},
        });
        self.apply(BED, &[logs]).await.map(drop)
    }

    /// Pauses the API server: it accepts connections but does not answer.
    pub fn pause_api_server(&self) -> Result<()> {
        self.0.programs.api_server.pause()
    }

    /// Resumes a paused API server.
    pub fn resume_api_server(&self) -> Result<()> {
        self.0.programs.api_server.resume()
    }

    /// Kills the API server: its port refuses connections.
    pub fn kill_api_server(&self) {
        self.0.programs.api_server.kill();
    }

    /// Kills the kubelet: logs and port-forwards stop working.
    pub fn kill_kubelet(&self) {
        self.kubelet().kill();
    }

    /// The node's kubelet: kwok, or a real one.
    pub fn kubelet(&self) -> &Process {
        self.0.programs.kubelet()
    }

    /// A number that every change of an object increments.
    pub(super) async fn revision(&self) -> Result<u64> {
        self.0.programs.revision().await
    }

    /// The requests that changed an object since the cluster was leased.
    pub fn audit(&self) -> Result<Vec<Value>> {
        let mut log = fs::File::open(self.file("audit.log"))?;
        log.seek(SeekFrom::Start(self.0.audited_from.load(Ordering::Relaxed)))?;
        let lines = BufReader::new(log).lines();
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }

    /// Lets [`Cluster::audit`] begin here.
    pub(super) fn audit_from_now(&self) -> Result<()> {
        let length = fs::metadata(self.file("audit.log"))?.len();
        self.0.audited_from.store(length, Ordering::Relaxed);
        Ok(())
    }

    /// The last lines of every program's log.
    pub fn log_tails(&self) -> String {
        self.0.programs.log_tails()
    }

    /// Removes what a test left behind: its cluster-scoped objects, its namespaces, and the finalizers that block them.
    pub async fn clean(&self) -> Result<()> {
        let client = self.client().await?;
        let objects = std::mem::take(&mut *self.0.cluster_scoped.lock().unwrap_or_else(PoisonError::into_inner));
        let crds = *self.0.crds.lock().await;
        match crds {
            Crds::Absent => {}
            Crds::Changed => self.ensure_no_crds(&client).await?,
            Crds::Of(_) => crds::remove_all_custom_resources(&client).await?,
        }
        let roles = rbac_of_stacks(&client).await?;
        // Some of the roles were applied by the bed itself.
        let paths: BTreeSet<String> = objects.into_iter().chain(roles).collect();
        try_join_all(paths.iter().map(|path| remove(&client, path))).await?;
        Ok(())
    }
}

/// The cluster-wide roles and bindings of stacks and of the program, which some tests deploy with the program itself. With
/// a binding of an earlier namespace, a redeploy refuses.
async fn rbac_of_stacks(client: &Client) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        let collection = rest::collection("rbac.authorization.k8s.io/v1", kind, None);
        for object in rest::list(client, &collection).await? {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if ["meshery-", "meshplay-", "meshdoctor-"].iter().any(|prefix| name.starts_with(prefix)) {
                paths.push(format!("{collection}/{name}"));
            }
        }
    }
    Ok(paths)
}

/// Deletes a cluster-scoped object. Deleting a namespace takes time, so its workloads are deleted first; otherwise
/// their host ports would keep the next test's pods pending.
async fn remove(client: &Client, path: &str) -> Result<()> {
    if let Some(namespace) = path.strip_prefix("/api/v1/namespaces/") {
        for (api_version, kind) in
            [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "ReplicaSet"), ("v1", "Pod")]
        {
            let collection = rest::collection(api_version, kind, Some(namespace));
            rest::delete(client, &format!("{collection}?gracePeriodSeconds=0")).await?;
        }
    }
    rest::delete(client, path).await
}

/// The path of the cluster's folder, for messages.
impl AsRef<Path> for Cluster {
    fn as_ref(&self) -> &Path {
        self.0.scratch.path()
    }
}
