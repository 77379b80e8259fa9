//! What runs in the pods: a broker server for each broker pod, and a client for each MeshSync pod.

use anyhow::{Result, bail};
use serde_json::Value;

use super::Controller;
use super::lookup::address_of;
use crate::bed::broker::Broker;
use crate::bed::fake_client::FakeClient;
use crate::bed::manifests;
use crate::bed::rest::{self, BED};

impl Controller {
    /// Runs a server for each ready broker pod, with the token that was valid when the pod became ready.
    pub(super) async fn run_brokers(&mut self) -> Result<()> {
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
            let forward = manifests::fill(include_str!("../manifests/portforward.yaml"), &values)?;
            rest::write_all(&self.client, BED, &forward).await?;
            self.servers.insert(name, (uid, server));
        }
        Ok(())
    }

    /// Connects a client for each ready MeshSync pod, with the token that was valid when the pod became ready.
    pub(super) async fn run_meshsync(&mut self) -> Result<()> {
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
                bail!("the Secret with MeshSync's token is missing");
            }
            let subjects = [format!("{prefix}.meshsync.request")];
            let endpoint = server.endpoint();
            let client = FakeClient::connect("meshsync", &endpoint, token.as_deref(), &subjects)?;
            self.meshsyncs.insert(uid.to_owned(), client);
        }
        Ok(())
    }

    /// Whether the broker lists MeshSync as a client.
    pub(super) async fn is_meshsync_connected(&self) -> bool {
        match self.servers.get(&self.first_broker()) {
            Some((_, server)) => server.has_client("meshsync").await.unwrap_or(false),
            None => false,
        }
    }
}
