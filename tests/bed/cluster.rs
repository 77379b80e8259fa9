//! A Kubernetes control plane with kwok as its kubelet, on loopback, for as long as the value lives.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use super::certificates;
use super::control_plane::ControlPlane;
use super::crds::{self, Crds};
use super::line::Line;
use super::network::{self, Addresses};
use super::programs;
use super::rest::{self, BED, Writer};
use super::scratch::Scratch;
use super::users;
use super::{client, manifests};

/// What a cluster is started with beside what it always has.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Further flags of kube-apiserver.
    pub api_server_flags: Vec<String>,
    /// Records each request that changes something; [`Cluster::audit`] reads the record.
    pub audit: bool,
}

/// A running cluster; clones are the same one, and the last to go takes it down.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // The programs are ended before their folder is removed: fields are dropped in this order.
    programs: ControlPlane,
    scratch: Scratch,
    server: String,
    authority: String,
    addresses: Addresses,
    next_user: AtomicUsize,
    crds: AsyncMutex<Crds>,
    outside: Mutex<Vec<String>>,
}

impl Cluster {
    /// Starts one; returns when its node is ready to take pods.
    pub async fn start() -> Result<Self> {
        Self::start_with(&Options::default()).await
    }

    /// Starts one with further options. A port that another process took in the meantime is the one failure that is
    /// not worth telling: it is tried again.
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
        let server = format!("https://127.0.0.1:{port}");
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
            outside: Mutex::new(Vec::new()),
        })))
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.0.server
    }

    /// The API server's certificate authority, in PEM.
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// The kubeconfig of a user: `nobody`, or one that [`Cluster::user`] has given.
    pub fn kubeconfig_for(&self, user: &str) -> Result<PathBuf> {
        self.kubeconfig_with_token(user, &users::token(user))
    }

    /// A kubeconfig with a token of any kind, such as a service account's.
    pub fn kubeconfig_with_token(&self, user: &str, token: &str) -> Result<PathBuf> {
        let path = self.file(&format!("kubeconfig-{user}"));
        fs::write(&path, users::kubeconfig(self.server(), self.authority(), user, token))?;
        Ok(path)
    }

    /// A user that nobody has used yet and who has no rights.
    pub fn user(&self) -> Result<String> {
        let number = self.0.next_user.fetch_add(1, Ordering::Relaxed) + 1;
        ensure!(number <= users::SPARE, "all {} spare users of this cluster have been given out", users::SPARE);
        Ok(format!("user-{number}"))
    }

    /// A file in the cluster's scratch folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.scratch.file(name)
    }

    /// The loopback addresses that are this cluster's own.
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// A client with every right, for the runtime that is current.
    pub async fn client(&self) -> Result<Client> {
        client::connect_as(users::ADMIN, &fs::read_to_string(self.kubeconfig())?).await
    }

    /// A client with a user's rights.
    pub async fn client_for(&self, user: &str) -> Result<Client> {
        client::connect_as(user, &fs::read_to_string(self.kubeconfig_for(user)?)?).await
    }

    /// Runs kubectl as the administrator and returns what it printed; its complaint is the error.
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

    /// Applies objects with kubectl itself, for what only its three-way merge does.
    pub fn kubectl_apply(&self, objects: &[Value]) -> Result<()> {
        let file = self.file("apply.json");
        fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string())?;
        self.kubectl(&["apply", "-f", &file.to_string_lossy()]).map(drop)
    }

    /// Applies objects given as YAML or JSON documents, all at once, in no order.
    pub async fn apply_yaml(&self, text: &str) -> Result<Vec<Value>> {
        self.apply(BED, &manifests::parse(text)?).await
    }

    /// Writes objects, all at once, and remembers those outside namespaces so that the cluster can be handed on clean.
    pub async fn apply(&self, writer: Writer<'_>, objects: &[Value]) -> Result<Vec<Value>> {
        self.apply_with(&self.client().await?, writer, objects).await
    }

    /// [`Cluster::apply`] with a client that is at hand.
    pub async fn apply_with(&self, client: &Client, writer: Writer<'_>, objects: &[Value]) -> Result<Vec<Value>> {
        for object in objects {
            let kind = object["kind"].as_str().unwrap_or_default();
            if rest::is_cluster_scoped(kind) && kind != "CustomResourceDefinition" {
                self.delete_on_return(rest::path_of(object)?);
            }
        }
        rest::write_all(client, writer, objects).await
    }

    /// Has an object, given by its URL path, deleted when a leased cluster is returned.
    pub fn delete_on_return(&self, path: String) {
        self.0.outside.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// Makes a namespace, which is deleted when a leased cluster is returned.
    pub async fn create_namespace(&self, name: &str) -> Result<()> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.apply(BED, &[namespace]).await.map(drop)
    }

    /// Patches an object's status by JSON merge.
    pub async fn patch_status(&self, path: &str, status: &Value) -> Result<Value> {
        rest::merge(&self.client().await?, &format!("{path}/status"), &json!({"status": status})).await
    }

    /// Sees to it that exactly this line's resource definitions are there, as they are shipped.
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

    /// Applies a line's definitions over those that are there, as an upgrade does.
    pub async fn upgrade_crds(&self, client: &Client, line: Line) -> Result<()> {
        self.crds_will_change().await;
        crds::install(client, line).await
    }

    /// Sees to it that no resource definition of the stack is there.
    pub async fn ensure_no_crds(&self, client: &Client) -> Result<()> {
        let mut crds = self.0.crds.lock().await;
        if *crds != Crds::Absent {
            crds::remove(client).await?;
            *crds = Crds::Absent;
        }
        Ok(())
    }

    /// To be said by everyone who changes the definitions in another way: the next test gets new ones.
    pub async fn crds_will_change(&self) {
        *self.0.crds.lock().await = Crds::Changed;
    }

    /// What `kubectl logs` of a container is to print. Lines are stamped with the time of this call.
    pub async fn set_pod_log(&self, namespace: &str, pod: &str, container: &str, lines: &[&str]) -> Result<()> {
        let file = self.file(&format!("log-{namespace}-{pod}-{container}"));
        let now = manifests::now();
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

    /// Freezes the API server: it accepts connections and answers nothing.
    pub fn stop_api_server(&self) -> Result<()> {
        self.0.programs.api_server.pause()
    }

    /// Lets a frozen API server go on.
    pub fn continue_api_server(&self) -> Result<()> {
        self.0.programs.api_server.resume()
    }

    /// Kills the API server: its port refuses.
    pub fn kill_api_server(&self) {
        self.0.programs.api_server.kill();
    }

    /// Kills kwok: no log and no port-forward from now on.
    pub fn kill_kubelet(&self) {
        self.0.programs.kwok.kill();
    }

    /// The requests that changed something, when the cluster was started with [`Options::audit`].
    pub fn audit(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.file("audit.log")).context("the cluster keeps no audit log")?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The last lines of every program's log.
    pub fn log_tails(&self) -> String {
        self.0.programs.log_tails()
    }

    /// Removes what a test has left: the objects outside namespaces that it applied, its namespaces, and what holds them.
    pub async fn clean(&self) -> Result<()> {
        let client = self.client().await?;
        let outside = std::mem::take(&mut *self.0.outside.lock().unwrap_or_else(PoisonError::into_inner));
        let crds = *self.0.crds.lock().await;
        match crds {
            Crds::Absent => {}
            Crds::Changed => self.ensure_no_crds(&client).await?,
            Crds::Of(_) => crds::release_all(&client).await?,
        }
        futures_util::future::try_join_all(outside.iter().map(|path| remove(&client, path))).await?;
        Ok(())
    }
}

/// Deletes an object outside namespaces. A namespace takes its time to go, so its workloads are taken first, or their
/// host ports would keep the next test's pods waiting.
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

/// Where the cluster's folder is, for messages.
impl AsRef<Path> for Cluster {
    fn as_ref(&self) -> &Path {
        self.0.scratch.path()
    }
}
