//! One who attends to a namespace for as long as the value lives: the operator while its Deployment has a ready pod, the
//! brokers' servers while their pods are ready, and MeshSync while its pod is.
//!
//! It knows the current line and Meshplay's, and custom resources under their usual names. It has a thread and a runtime of its own, so
//! that it goes on while a test blocks its thread. What it cannot do it tries again, as everyone in its place would;
//! [`Attendant::until_connected`] tells what stood in the way last.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::broker::Broker;
use super::cluster::Cluster;
use super::line::{Line, Names};
use super::process::Process;
use super::rest::{self, BED, Writer};
use super::setup::{Setup, random_token};
use super::stack::{Stack, has_its_replicas};
use super::standin::StandIn;
use super::{manifests, operator, real, users, wait};

/// How often it looks around.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the operator's library renews the Lease of the one who leads, and how long that lasts.
const RENEWAL: Duration = Duration::from_secs(2);
const LEASE_SECONDS: i32 = 15;

/// Gone on drop, with its servers and clients.
#[derive(Debug)]
pub struct Attendant {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    news: Arc<Mutex<News>>,
}

/// What is known outside of its thread.
#[derive(Debug, Default)]
struct News {
    connected: bool,
    trouble: Option<String>,
}

impl Cluster {
    /// Attends to a namespace from now on, with the current line's operator.
    pub fn attend(&self, namespace: &str) -> Result<Attendant> {
        self.attend_as(Line::Current, namespace)
    }

    /// [`Cluster::attend`] with another line's operator.
    pub fn attend_as(&self, line: Line, namespace: &str) -> Result<Attendant> {
        let (stop, mut stopped) = oneshot::channel();
        let news = Arc::new(Mutex::new(News::default()));
        let (cluster, told) = (self.clone(), news.clone());
        let setup = Stack::of(line).namespace(namespace);
        let thread = std::thread::Builder::new().name(format!("attendant of {namespace}")).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(client) = cluster.client().await else {
                    return;
                };
                let mut hands = Hands::new(cluster, client, setup);
                loop {
                    let round = async {
                        let result = hands.round().await;
                        let connected = hands.is_meshsync_connected().await;
                        *told.lock().unwrap_or_else(PoisonError::into_inner) =
                            News { connected, trouble: result.err().map(|error| format!("{error:#}")) };
                        tokio::time::sleep(PAUSE).await;
                    };
                    // An error means that the handle is gone, which is a request to stop as well.
                    tokio::select! {
                        _ = &mut stopped => return,
                        () = round => {}
                    }
                }
            });
        })?;
        Ok(Attendant { stop: Some(stop), thread: Some(thread), news })
    }
}

impl Setup {
    /// Installs it as a user does, and has an attendant make the rest; returns when MeshSync is connected.
    pub async fn attended(self, cluster: &Cluster) -> Result<Attendant> {
        let client = cluster.client().await?;
        let namespace = self.namespace.clone();
        self.install(cluster, &client).await?;
        let attendant = cluster.attend(&namespace)?;
        attendant.until_connected().await?;
        Ok(attendant)
    }
}

impl Stack {
    /// Leaves its servers and clients to an attendant, who starts them anew, and so all that happens from now on.
    pub fn attended(&mut self) -> Result<Attendant> {
        self.dismiss();
        self.cluster.attend(&self.namespace)
    }
}

impl Attendant {
    /// Waits until MeshSync is connected.
    pub async fn until_connected(&self) -> Result<()> {
        self.until(true).await
    }

    /// Waits until no MeshSync is connected any more.
    pub async fn until_disconnected(&self) -> Result<()> {
        self.until(false).await
    }

    async fn until(&self, connected: bool) -> Result<()> {
        let news = || self.news.lock().unwrap_or_else(PoisonError::into_inner);
        wait::until("MeshSync to connect or part", Duration::from_secs(60), || async {
            Ok((news().connected == connected).then_some(()))
        })
        .await
        .with_context(|| match &news().trouble {
            Some(trouble) => format!("the attendant's last trouble: {trouble}"),
            None => "the attendant has no trouble".into(),
        })
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The one who does it.
struct Hands {
    cluster: Cluster,
    client: Client,
    setup: Setup,
    /// The real operator, where the environment names it.
    real: Option<Process>,
    /// When the operator last renewed its Lease.
    renewed: Option<Instant>,
    /// The custom resources that are as they should be: UID and generation by kind.
    settled: BTreeMap<&'static str, (Value, Value)>,
    /// The brokers' servers by pod, each with the UID of the pod that it stands for.
    servers: BTreeMap<String, (Value, Broker)>,
    /// The clients by the UID of the pod that they stand for.
    meshsyncs: BTreeMap<String, StandIn>,
}

impl Hands {
    fn new(cluster: Cluster, client: Client, setup: Setup) -> Self {
        Self {
            cluster,
            client,
            setup,
            real: None,
            renewed: None,
            settled: BTreeMap::new(),
            servers: BTreeMap::new(),
            meshsyncs: BTreeMap::new(),
        }
    }

    /// Looks at everything once, and does what is due.
    async fn round(&mut self) -> Result<()> {
        let operator = self
            .find("apps/v1", "Deployment", &self.named("operator"))
            .await?
            .filter(|operator| operator["status"]["readyReplicas"].as_u64() > Some(0) && is_staying(operator));
        let works = operator.is_some();
        match real::operator().filter(|_| self.is_current()) {
            Some(_) if !works => self.real = None,
            Some(binary) if self.real.is_none() => {
                let namespace = &self.setup.namespace;
                let start = real::start_operator(&self.cluster, &self.client, namespace, binary);
                self.real = Some(start.await?);
            }
            Some(_) => {}
            None => match operator {
                Some(operator) => {
                    self.lead(&operator).await?;
                    self.operate().await?;
                }
                None => self.settled.clear(),
            },
        }
        self.run_brokers().await?;
        self.run_meshsync().await
    }

    /// Keeps the Lease of the one who leads.
    async fn lead(&mut self, operator: &Value) -> Result<()> {
        if self.renewed.is_some_and(|at| at.elapsed() < RENEWAL) {
            return Ok(());
        }
        let labels = operator["spec"]["selector"]["matchLabels"].as_object();
        let labels: Vec<String> = labels
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let pods = self.ready_pods(&labels.join(",")).await?;
        let Some((pod, uid)) = pods.into_iter().next() else {
            return Ok(());
        };
        let prefix = self.names().prefix;
        let group = self.names().group;
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": format!("{prefix}-operator-leader.{group}"),
                "namespace": self.setup.namespace,
            },
            "spec": {
                "holderIdentity": format!("{pod}_{}", uid.as_str().unwrap_or_default()),
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": manifests::now_exactly(),
            },
        });
        rest::write(&self.client, Writer::Apply("meshery-operator"), &lease).await?;
        self.renewed = Some(Instant::now());
        Ok(())
    }

    /// The operator's part: one look at both custom resources.
    async fn operate(&mut self) -> Result<()> {
        for kind in ["MeshSync", "Broker"] {
            match self.custom(kind).await? {
                None => drop(self.settled.remove(kind)),
                Some(object) if !is_staying(&object) => self.finish(&object, kind).await?,
                Some(_) => {}
            }
        }
        // A MeshSync is told where the broker is.
        self.make("Broker").await?;
        self.make("MeshSync").await
    }

    /// Makes what a custom resource asks for, and writes its status when that is ready.
    async fn make(&mut self, kind: &'static str) -> Result<()> {
        let Some(object) = self.custom(kind).await?.filter(is_staying) else {
            return Ok(());
        };
        let service = self.find("v1", "Service", self.names().broker).await?;
        let address = service.as_ref().and_then(address_of);
        let mark = |object: &Value| {
            let metadata = &object["metadata"];
            (metadata["uid"].clone(), metadata["generation"].clone())
        };
        let (workload, name) = &self.made_of(kind)[0];
        let missing = self.lacks(kind).await?;
        if !missing && self.settled.get(kind) == Some(&mark(&object)) {
            return Ok(());
        }
        let marked = if self.is_current() { operator::mark(&self.client, &[object]).await? } else { vec![object] };
        let uid = marked[0]["metadata"]["uid"].as_str().unwrap_or_default();
        let objects = if kind == "Broker" {
            let token = self.token().await?.unwrap_or_else(random_token);
            let values = [("broker_uid", uid), ("token", &users::base64(&token))];
            let spec = &marked[0]["spec"];
            let mut setup = self.setup.clone();
            if let Some(service_type) = spec["service"]["type"].as_str() {
                setup = setup.service_type(service_type);
            }
            if let Some(size) = spec["size"].as_u64().and_then(|size| size.try_into().ok()) {
                setup = setup.brokers(size);
            }
            setup.fill(setup.templates().broker, &values)?
        } else {
            let Some(address) = address else {
                return Ok(());
            };
            let url = if self.is_current() {
                format!("nats://$(NATS_TOKEN)@{address}:4222")
            } else {
                format!("{address}:4222")
            };
            let values = [("meshsync_uid", uid), ("broker_url", &url)];
            self.setup.fill(self.setup.templates().meshsync, &values)?
        };
        let writer = self.setup.writer(if kind == "Broker" { "broker" } else { "" });
        for object in objects {
            match rest::write(&self.client, writer, &object).await {
                // Who creates leaves what is there as it is.
                Err(error) if !rest::is(&error, 409) => return Err(error),
                _ => {}
            }
        }
        let ready = self.find("apps/v1", workload, name).await?;
        if let (Some(service), Some(address)) = (service, address)
            && ready.as_ref().is_some_and(has_its_replicas)
        {
            self.setup.write_statuses(&self.client, &service, address, &marked).await?;
            self.settled.insert(kind, mark(&marked[0]));
        }
        Ok(())
    }

    /// Whether something is missing of what is made from a custom resource.
    async fn lacks(&self, kind: &str) -> Result<bool> {
        let secret = (kind == "Broker" && self.is_current()).then(|| ("Secret", "meshery-nats-auth".to_owned()));
        for (kind, name) in self.made_of(kind).into_iter().chain(secret) {
            if self.find(api_version(kind), kind, &name).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does what the finalizer stands for. The Secret is left to the garbage collector, as the operator leaves it.
    async fn finish(&mut self, object: &Value, kind: &'static str) -> Result<()> {
        self.settled.remove(kind);
        for (kind, name) in self.made_of(kind) {
            let path = rest::path(api_version(kind), kind, &self.setup.namespace, &name);
            rest::delete(&self.client, &path).await?;
        }
        if object["metadata"]["finalizers"].is_array() {
            let path = rest::path_of(object)?;
            let change = json!({"metadata": {"finalizers": null}});
            match rest::merge(&self.client, &path, &change).await {
                Err(error) if !rest::is(&error, 404) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// A server for each broker pod that is ready, with the token of the moment in which the pod came.
    async fn run_brokers(&mut self) -> Result<()> {
        let labels = if self.is_current() {
            "app.kubernetes.io/instance=meshery-nats".to_owned()
        } else {
            format!("app={},component=broker", self.names().prefix)
        };
        let pods = self.ready_pods(&labels).await?;
        let service = self.find("v1", "Service", self.names().broker).await?;
        let address = service.as_ref().and_then(address_of);
        let gone: Vec<String> = self
            .servers
            .iter()
            .filter(|(name, (uid, server))| {
                let moved = name.ends_with("-0") && Some(server.address) != address;
                moved || pods.get(*name) != Some(uid)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.servers.remove(&name);
            let path = self.path("kwok.x-k8s.io/v1alpha1", "PortForward", &name);
            rest::delete(&self.client, &path).await?;
        }
        for (name, uid) in pods {
            let token = self.token().await?;
            let Some(address) = address.filter(|_| token.is_some() || !self.is_current()) else {
                continue;
            };
            if self.servers.contains_key(&name) {
                continue;
            }
            let address = if name.ends_with("-0") { address } else { self.cluster.addresses().spare() };
            let server = Broker::start(&self.cluster, &name, address, token.as_deref()).await?;
            let values = [("pod", name.as_str()), ("ns", &self.setup.namespace), ("address", &address.to_string())];
            let forward = manifests::fill(include_str!("manifests/portforward.yaml"), &values)?;
            rest::write_all(&self.client, BED, &forward).await?;
            self.servers.insert(name, (uid, server));
        }
        Ok(())
    }

    /// A client for each pod of MeshSync that is ready, with the token of the moment in which the pod came.
    async fn run_meshsync(&mut self) -> Result<()> {
        let prefix = self.names().prefix;
        let labels = format!("app={prefix},component=meshsync");
        let pods = self.ready_pods(&labels).await?;
        let uids: Vec<&str> = pods.values().filter_map(Value::as_str).collect();
        self.meshsyncs.retain(|uid, _| uids.contains(&uid.as_str()));
        let new: Vec<&str> = uids.into_iter().filter(|uid| !self.meshsyncs.contains_key(*uid)).collect();
        let Some((_, server)) = self.servers.get(&self.first_broker()) else {
            return Ok(());
        };
        for uid in new {
            let token = self.token().await?;
            if token.is_none() && self.is_current() {
                bail!("MeshSync's pod has no Secret to take its token from");
            }
            let subjects = [format!("{prefix}.meshsync.request")];
            let endpoint = server.endpoint();
            let client = StandIn::connect("meshsync", &endpoint, token.as_deref(), &subjects)?;
            self.meshsyncs.insert(uid.to_owned(), client);
        }
        Ok(())
    }

    /// Whether the broker says so.
    async fn is_meshsync_connected(&self) -> bool {
        match self.servers.get(&self.first_broker()) {
            Some((_, server)) => server.lists("meshsync").await.unwrap_or(false),
            None => false,
        }
    }

    /// The pods with these labels that are ready and stay: UID by name.
    async fn ready_pods(&self, labels: &str) -> Result<BTreeMap<String, Value>> {
        let labels = labels.replace('=', "%3D").replace(',', "%2C");
        let path = rest::collection("v1", "Pod", Some(&self.setup.namespace));
        let pods = rest::list(&self.client, &format!("{path}?labelSelector={labels}")).await?;
        let is_ready = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array();
            let mut all = conditions.into_iter().flatten();
            all.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        };
        Ok(pods
            .iter()
            .filter(|pod| is_ready(pod) && is_staying(pod))
            .filter_map(|pod| {
                let metadata = &pod["metadata"];
                Some((metadata["name"].as_str()?.to_owned(), metadata["uid"].clone()))
            })
            .collect())
    }

    /// What is in the Secret now.
    async fn token(&self) -> Result<Option<String>> {
        let Some(secret) = self.find("v1", "Secret", "meshery-nats-auth").await? else {
            return Ok(None);
        };
        let token: k8s_openapi::ByteString = serde_json::from_value(secret["data"]["token"].clone())?;
        Ok(Some(String::from_utf8(token.0)?))
    }

    async fn custom(&self, kind: &str) -> Result<Option<Value>> {
        let api_version = format!("{}/v1alpha1", self.names().group);
        let name = self.named(&kind.to_lowercase());
        self.find(&api_version, kind, &name).await
    }

    async fn find(&self, api_version: &str, kind: &str, name: &str) -> Result<Option<Value>> {
        match rest::get(&self.client, &self.path(api_version, kind, name)).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if rest::is(&error, 404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self) -> Names {
        self.setup.line.names()
    }

    fn is_current(&self) -> bool {
        self.setup.line == Line::Current
    }

    /// A name of the line: `meshery-` and this.
    fn named(&self, what: &str) -> String {
        format!("{}-{what}", self.names().prefix)
    }

    /// The pod whose server is behind the Service.
    fn first_broker(&self) -> String {
        format!("{}-0", self.names().broker)
    }

    /// What the operator makes from a custom resource and removes again, the workload first.
    fn made_of(&self, kind: &str) -> Vec<(&'static str, String)> {
        if kind != "Broker" {
            return vec![("Deployment", self.named("meshsync"))];
        }
        let broker = self.names().broker;
        let fourth = if self.is_current() {
            ("Service", format!("{broker}-headless"))
        } else {
            ("ConfigMap", self.named("nats-accounts"))
        };
        vec![
            ("StatefulSet", broker.to_owned()),
            ("Service", broker.to_owned()),
            ("ConfigMap", self.named("nats-config")),
            fourth,
        ]
    }

    fn path(&self, api_version: &str, kind: &str, name: &str) -> String {
        rest::path(api_version, kind, &self.setup.namespace, name)
    }
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" => "apps/v1",
        _ => "v1",
    }
}

fn is_staying(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_null()
}

fn address_of(service: &Value) -> Option<Ipv4Addr> {
    service["spec"]["clusterIP"].as_str()?.parse().ok()
}
