//! What runs in the pods: a broker server for each broker pod, and a MeshSync for each MeshSync pod. Meshery Server runs
//! outside the cluster.

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::Controller;
use super::lookup::{address_of, server_of};
use crate::bed::broker::Broker;
use crate::bed::fake_client::FakeClient;
use crate::bed::manifests;
use crate::bed::network;
use crate::bed::publisher::{Faults, Location, Publisher};
use crate::bed::rest::{self, BED};

/// The pause before a MeshSync that exited is started again.
const RESTART_DELAY: Duration = Duration::from_secs(2);

/// What runs for a MeshSync pod.
#[derive(Debug)]
pub(super) enum MeshSync {
    /// A client that publishes nothing.
    Idle(FakeClient),
    /// A MeshSync that publishes, with its pod's name and the time of its start.
    Publishing(String, Publisher, Instant),
    /// A MeshSync that gave up reconnecting. Only a new pod connects again.
    GaveUp,
}

impl MeshSync {
    /// Whether it runs, or exited too recently to be started again.
    pub(super) fn is_current(&self) -> bool {
        match self {
            Self::Idle(_) | Self::GaveUp => true,
            Self::Publishing(_, publisher, start) => publisher.is_running() || start.elapsed() < RESTART_DELAY,
        }
    }
}

impl Controller {
    /// Runs a server for each ready broker pod, with the token that was valid when the pod became ready.
    pub(super) async fn run_brokers(&mut self) -> Result<()> {
        let labels = if self.operator.is_current() {
            "app.kubernetes.io/instance=meshery-nats".to_owned()
        } else {
            format!("app={},component=broker", self.operator.names().prefix)
        };
        let pods = self.operator.ready_pods(&labels).await?;
        let service = self.operator.find("v1", "Service", self.operator.names().broker).await?;
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
            let path = self.operator.path("kwok.x-k8s.io/v1alpha1", "PortForward", &name);
            rest::delete(&self.operator.client, &path).await?;
        }
        for (name, uid) in pods {
            if self.servers.contains_key(&name) {
                continue;
            }
            // The Secret may have changed since this round began, before the pod was created.
            self.operator.forget_reads();
            let token = self.operator.token().await?;
            let Some(address) = address.filter(|_| token.is_some() || !self.operator.is_current()) else {
                continue;
            };
            let address = if name.ends_with("-0") { address } else { self.cluster.addresses().spare() };
            let server = Broker::start(&self.cluster, &name, address, token.as_deref()).await?;
            let values =
                [("pod", name.as_str()), ("ns", &self.operator.setup.namespace), ("address", &address.to_string())];
            let forward = manifests::fill(include_str!("../manifests/portforward.yaml"), &values)?;
            rest::write_all(&self.operator.client, BED, &forward).await?;
            self.servers.insert(name, (uid, server));
        }
        Ok(())
    }

    /// Runs a MeshSync for each ready MeshSync pod, with the token that was valid when the pod became ready. Starts it
    /// again if it exits, as the kubelet does.
    pub(super) async fn run_meshsync(&mut self) -> Result<()> {
        let labels = format!("app={},component=meshsync", self.operator.names().prefix);
        let pods = self.operator.ready_pods(&labels).await?;
        let uids: Vec<&str> = pods.values().filter_map(Value::as_str).collect();
        let (current, ended) = std::mem::take(&mut self.meshsyncs)
            .into_iter()
            .partition(|(uid, meshsync)| uids.contains(&uid.as_str()) && meshsync.is_current());
        self.meshsyncs = current;
        if self.gives_up.swap(false, Ordering::Relaxed) {
            self.meshsyncs.values_mut().for_each(|meshsync| *meshsync = MeshSync::GaveUp);
        }
        for meshsync in ended.into_values() {
            if let MeshSync::Publishing(pod, ..) = meshsync {
                let path = self.operator.path("kwok.x-k8s.io/v1alpha1", "PortForward", &pod);
                rest::delete(&self.operator.client, &path).await?;
            }
        }
        for (pod, uid) in &pods {
            let uid = uid.as_str().unwrap_or_default();
            if !self.meshsyncs.contains_key(uid)
                && let Some(meshsync) = self.start_meshsync(pod).await?
            {
                self.meshsyncs.insert(uid.to_owned(), meshsync);
            }
        }
        Ok(())
    }

    /// Starts a MeshSync, if there is a broker.
    async fn start_meshsync(&self, pod: &str) -> Result<Option<MeshSync>> {
        if !self.operator.is_current() && self.publishing_url(pod).await?.is_some_and(|url| url.contains("://")) {
            // The old MeshSync cannot parse a scheme, and waits forever.
            return Ok(Some(MeshSync::GaveUp));
        }
        let subjects = [format!("{}.meshsync.request", self.operator.names().prefix)];
        if let Some((server, token)) = self.server_elsewhere(pod).await? {
            let endpoint = format!("{server}:4222");
            let client = connect(&endpoint, token.as_deref(), &subjects)?;
            return Ok(Some(MeshSync::Idle(client)));
        }
        let Some((_, server)) = self.servers.get(&self.operator.first_broker()) else {
            return Ok(None);
        };
        let token = self.operator.token().await?;
        if token.is_none() && self.operator.is_current() {
            bail!("the Secret with MeshSync's token is missing");
        }
        if self.is_publishing {
            let location = Location {
                cluster: &self.cluster,
                client: &self.operator.client,
                line: self.operator.setup.line,
                namespace: &self.operator.setup.namespace,
                pod,
            };
            let url = server.url_with(token.as_deref());
            let publisher = Publisher::start(location, &url, &Faults::default()).await?;
            return Ok(Some(MeshSync::Publishing(pod.to_owned(), publisher, Instant::now())));
        }
        let client = connect(&server.endpoint(), token.as_deref(), &subjects)?;
        Ok(Some(MeshSync::Idle(client)))
    }

    /// The server and its token in the environment of a MeshSync pod, if it is not the stack's own broker.
    async fn server_elsewhere(&self, pod: &str) -> Result<Option<(Ipv4Addr, Option<String>)>> {
        // The URL of the stack's own broker refers to the token in its Secret.
        let url = self.publishing_url(pod).await?.filter(|url| !url.contains("$("));
        Ok(url
            .as_deref()
            .and_then(server_of)
            .filter(|(server, _)| self.servers.values().all(|(_, own)| own.address != *server)))
    }

    /// The address in the environment of a MeshSync pod.
    async fn publishing_url(&self, pod: &str) -> Result<Option<String>> {
        let pod = self.operator.find("v1", "Pod", pod).await?.unwrap_or_default();
        let mut env = pod["spec"]["containers"][0]["env"].as_array().into_iter().flatten();
        let url = env.find(|entry| entry["name"] == "BROKER_URL");
        Ok(url.and_then(|entry| entry["value"].as_str()).map(str::to_owned))
    }

    /// Connects Meshery Server to the broker, and again after the broker's pod was replaced.
    pub(super) fn run_server(&mut self) -> Result<()> {
        let broker = self.servers.get(&self.operator.first_broker()).filter(|_| self.is_publishing);
        let Some((uid, broker)) = broker else {
            self.server = None;
            return Ok(());
        };
        if self.server.as_ref().is_none_or(|(connected, _)| connected != uid) {
            self.server = None;
            let server = FakeClient::meshery_server(self.operator.setup.line, broker)?;
            self.server = Some((uid.clone(), server));
        }
        Ok(())
    }

    /// Whether every MeshSync has published what existed at its start, and Meshery Server is connected.
    pub(super) async fn is_settled(&self) -> bool {
        for meshsync in self.meshsyncs.values() {
            if let MeshSync::Publishing(_, publisher, _) = meshsync
                && !publisher.is_settled().await
            {
                return false;
            }
        }
        self.server.is_some() || !self.is_publishing
    }

    /// Whether the broker lists MeshSync as a client.
    pub(super) async fn is_meshsync_connected(&self) -> bool {
        match self.servers.get(&self.operator.first_broker()) {
            Some((_, server)) => server.has_client("meshsync").await.unwrap_or(false),
            None => false,
        }
    }
}

/// Connects a MeshSync from its own address.
fn connect(endpoint: &str, token: Option<&str>, subjects: &[String]) -> Result<FakeClient> {
    FakeClient::connect_from(network::address_of_pod(), "meshsync", endpoint, token, subjects)
}
