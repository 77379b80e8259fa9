//! A running stack: Meshery's objects in a namespace, real broker servers, and their clients.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};

use super::broker::Broker;
use super::cluster::Cluster;
use super::fake_client::FakeClient;
use super::line::Line;
use super::process::Process;
use super::rest::{self, BED};
use super::setup::Setup;
use super::{manifests, network, real, wait};

/// A running stack. Dropping it stops its broker servers and clients; its objects are deleted with their namespace.
pub struct Stack {
    /// The cluster of the stack.
    pub cluster: Cluster,
    /// A client with all permissions, for the runtime in which the stack was started.
    pub client: Client,
    /// The operator line.
    pub line: Line,
    /// The namespace.
    pub namespace: String,
    /// The token that the brokers require.
    pub token: Option<String>,
    /// The address of MeshSync's pod.
    meshsync_address: Ipv4Addr,
    kept: Vec<FakeClient>,
    brokers: Vec<Broker>,
    pub(super) operator: Option<Process>,
    /// The stack that this one was installed over.
    pub older: Option<Box<Self>>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stack")
            .field("line", &self.line)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// The setup of a stack as its operator line is released, plus the reader role that the current line lacks.
    pub fn of(line: Line) -> Setup {
        Setup::of(line)
    }

    /// A stack without servers and clients.
    pub(super) fn new(cluster: &Cluster, client: Client, setup: &Setup) -> Self {
        Self {
            cluster: cluster.clone(),
            client,
            line: setup.line,
            namespace: setup.namespace.clone(),
            token: setup.token.clone(),
            meshsync_address: network::address_of_pod(),
            kept: Vec::new(),
            brokers: Vec::new(),
            operator: None,
            older: None,
        }
    }

    /// The nats-server of a broker pod.
    pub fn nats(&self, index: usize) -> &Broker {
        &self.brokers[index]
    }

    /// The nats-servers of all broker pods.
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// Connects a fake MeshSync to a broker, or the real one if `MESHSYNC_BIN` is set.
    pub async fn meshsync(&self, broker: usize) -> Result<FakeClient> {
        let broker = self.nats(broker);
        if let Some(binary) = real::meshsync().filter(|_| self.line == Line::Current) {
            let url = broker.url();
            let process = real::start_meshsync(&self.cluster, &self.client, &self.namespace, binary, url).await?;
            wait::until("MeshSync to connect", Duration::from_secs(30), || async {
                Ok(broker.has_client("meshsync").await?.then_some(()))
            })
            .await?;
            return Ok(FakeClient::RealMeshSync(process));
        }
        let subject = format!("{}.meshsync.request", self.line.names().prefix);
        let token = broker.token.as_deref();
        FakeClient::connect_from(self.meshsync_address, "meshsync", &broker.endpoint(), token, &[subject])
    }

    /// Connects a fake Meshery Server to a broker.
    pub fn server(&self, broker: usize) -> Result<FakeClient> {
        FakeClient::meshery_server(self.line, self.nats(broker))
    }

    /// Keeps a client connected until the stack is dropped.
    pub fn keep(&mut self, client: FakeClient) {
        self.kept.push(client);
    }

    /// Disconnects every client that the stack keeps.
    pub fn disconnect_kept(&mut self) {
        self.kept.clear();
    }

    /// Stops the servers, the clients and the real operator.
    pub(super) fn stop_processes(&mut self) {
        self.kept.clear();
        self.brokers.clear();
        self.operator = None;
    }

    /// The URL path of an object in the stack's namespace.
    pub fn path(&self, api_version: &str, kind: &str, name: &str) -> String {
        rest::path(api_version, kind, &self.namespace, name)
    }

    /// The URL path of a custom resource in the version that every operator line serves.
    pub fn custom_path(&self, kind: &str) -> String {
        let names = self.line.names();
        let name = format!("{}-{}", names.prefix, kind.to_lowercase());
        self.path(&format!("{}/v1alpha1", names.group), kind, &name)
    }

    /// The pod names of a component: `operator`, `broker` or `meshsync`.
    pub async fn pods(&self, component: &str) -> Result<Vec<String>> {
        let names = self.line.names();
        let prefix = match component {
            "broker" => format!("{}-", names.broker),
            other => format!("{}-{other}-", names.prefix),
        };
        let pods = rest::list(&self.client, &rest::collection("v1", "Pod", Some(&self.namespace))).await?;
        let all = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str());
        Ok(all.filter(|name| name.starts_with(&prefix)).map(str::to_owned).collect())
    }

    /// Waits until a component's first container has been running for longer than this time, which counts in full
    /// seconds.
    pub async fn until_running_for(&self, component: &str, time: Duration) -> Result<()> {
        let pods = self.pods(component).await?;
        let name = pods.first().context("no pod")?;
        let path = self.path("v1", "Pod", name);
        let started =
            rest::get(&self.client, &path).await?["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
                .as_str()
                .context("the container is not running")?
                .parse::<Timestamp>()?;
        wait::until("the container to run long enough", time + Duration::from_secs(5), || async {
            let now: Timestamp = manifests::now().parse()?;
            let running = Duration::try_from(now.duration_since(started)).unwrap_or_default();
            Ok((running > time).then_some(()))
        })
        .await
    }

    /// Starts the broker servers and forwards their pods' ports to them. The first server uses the Service's cluster
    /// IP, the others use spare addresses.
    pub(super) async fn start_brokers(&mut self, service: Ipv4Addr, count: u8) -> Result<()> {
        let names = self.line.names();
        let mut starts = Vec::new();
        let mut forwards = Vec::new();
        for number in 0..count {
            let address = if number == 0 { service } else { self.cluster.addresses().spare() };
            let pod = format!("{}-{number}", names.broker);
            let values = [("pod", pod.as_str()), ("ns", &self.namespace), ("address", &address.to_string())];
            forwards.extend(manifests::fill(include_str!("manifests/portforward.yaml"), &values)?);
            starts.push((pod, address));
        }
        let brokers = futures_util::future::try_join_all(
            starts.iter().map(|(pod, address)| Broker::start(&self.cluster, pod, *address, self.token.as_deref())),
        );
        let (brokers, _) = tokio::try_join!(brokers, rest::write_all(&self.client, BED, &forwards))?;
        self.brokers = brokers;
        Ok(())
    }

    /// Waits until the workloads have all replicas and every broker is a ready endpoint of the broker's Service.
    pub(super) async fn wait_ready(&self, brokers: u8) -> Result<()> {
        let names = self.line.names();
        let operator = self.path("apps/v1", "Deployment", &format!("{}-operator", names.prefix));
        let meshsync = self.path("apps/v1", "Deployment", &format!("{}-meshsync", names.prefix));
        let broker = self.path("apps/v1", "StatefulSet", names.broker);
        let slices = format!(
            "{}?labelSelector=kubernetes.io/service-name%3D{}",
            rest::collection("discovery.k8s.io/v1", "EndpointSlice", Some(&self.namespace)),
            names.broker
        );
        wait::until("the stack to be ready", Duration::from_secs(60), || async {
            let client = &self.client;
            let (operator, meshsync, broker, slices) = tokio::try_join!(
                rest::get(client, &operator),
                rest::get(client, &meshsync),
                rest::get(client, &broker),
                rest::list(client, &slices)
            )?;
            let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
            let behind = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true).count();
            let ready = [&operator, &meshsync, &broker].into_iter().all(has_all_replicas) && behind >= brokers.into();
            Ok(ready.then_some(()))
        })
        .await
    }
}

/// Sets the load balancer addresses of a Service.
pub async fn set_ingress(client: &Client, service: &str, ingress: &Value) -> Result<()> {
    let status = json!({"status": {"loadBalancer": {"ingress": ingress}}});
    rest::merge(client, &format!("{service}/status"), &status).await.map(drop)
}

pub(super) fn has_all_replicas(workload: &Value) -> bool {
    let status = &workload["status"];
    let desired = workload["spec"]["replicas"].as_u64();
    let observed = status["observedGeneration"].as_u64() >= workload["metadata"]["generation"].as_u64();
    observed && status["readyReplicas"].as_u64().or(Some(0)) >= desired
}
