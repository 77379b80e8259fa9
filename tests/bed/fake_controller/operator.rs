//! The operator's work: its Lease, the objects of the custom resources, their statuses and finalizers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use kube::Client;
use serde_json::{Value, json};

use super::is_terminating;
use super::lookup::{address_of, server_of};
use crate::bed::line::Line;
use crate::bed::rest::{self, Writer};
use crate::bed::setup::{Setup, random_token};
use crate::bed::stack::has_all_replicas;
use crate::bed::{manifests, operator, users};

/// How often the leader's Lease is renewed, and how long it lasts. The operator's library renews it every 2 seconds;
/// here, each renewal leads to a round that reads everything again.
const RENEWAL: Duration = Duration::from_secs(5);
const LEASE_SECONDS: i32 = 15;

/// A fake operator for one namespace.
pub struct FakeOperator {
    pub(super) client: Client,
    pub(super) setup: Setup,
    /// When it last renewed its Lease.
    lease_renewed: Option<Instant>,
    /// The custom resources that are reconciled: UID and generation by kind.
    reconciled: BTreeMap<&'static str, (Value, Value)>,
    /// The objects that this round has read, by path. Without them, most reads of a round would be repetitions.
    pub(super) read: Mutex<BTreeMap<String, Option<Value>>>,
}

impl FakeOperator {
    /// An operator that has reconciled nothing yet.
    pub fn new(client: Client, setup: Setup) -> Self {
        Self { client, setup, lease_renewed: None, reconciled: BTreeMap::new(), read: Mutex::default() }
    }

    /// One round: renews the Lease and reconciles what has changed. `deployment` is the operator's own.
    pub async fn run(&mut self, deployment: &Value) -> Result<()> {
        self.renew_lease(deployment).await?;
        self.reconcile_custom_resources().await
    }

    /// The operator's Deployment, unless it is being deleted. A round begins with it.
    pub async fn deployment(&self) -> Result<Option<Value>> {
        self.forget_reads();
        let deployment = self.find("apps/v1", "Deployment", &self.named("operator")).await?;
        Ok(deployment.filter(|deployment| !is_terminating(deployment)))
    }

    /// Forgets what was reconciled, as a restart does.
    pub(super) fn restart(&mut self) {
        self.reconciled.clear();
    }

    /// Renews the leader's Lease.
    async fn renew_lease(&mut self, operator: &Value) -> Result<()> {
        if self.lease_renewed.is_some_and(|at| at.elapsed() < RENEWAL) {
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
        let group = self.names().group;
        let uid = uid.as_str().unwrap_or_default();
        let name = match self.setup.line {
            // Each process has a Lease of its own.
            Line::Meshplay => format!("operator-{uid}.{group}"),
            _ => format!("{}-operator-leader.{group}", self.names().prefix),
        };
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": self.setup.namespace,
            },
            "spec": {
                "holderIdentity": format!("{pod}_{uid}"),
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": manifests::now_exactly(),
            },
        });
        rest::write(&self.client, Writer::Apply("meshery-operator"), &lease).await?;
        self.lease_renewed = Some(Instant::now());
        Ok(())
    }

    /// Reconciles both custom resources once.
    async fn reconcile_custom_resources(&mut self) -> Result<()> {
        for kind in ["MeshSync", "Broker"] {
            match self.custom_resource(kind).await? {
                None => drop(self.reconciled.remove(kind)),
                Some(object) if is_terminating(&object) => self.finalize(&object, kind).await?,
                Some(_) => {}
            }
        }
        // The broker comes first: MeshSync needs its address.
        self.reconcile_one("Broker").await?;
        self.reconcile_one("MeshSync").await
    }

    /// Creates the objects of a custom resource, and writes its status when they are ready.
    async fn reconcile_one(&mut self, kind: &'static str) -> Result<()> {
        let Some(object) = self.custom_resource(kind).await?.filter(|object| !is_terminating(object)) else {
            return Ok(());
        };
        let mut service = self.find("v1", "Service", self.names().broker).await?;
        let mut address = service.as_ref().and_then(address_of);
        let custom = object["spec"]["broker"]["custom"]["url"].as_str().filter(|url| !url.is_empty());
        let custom = custom.map(str::to_owned);
        if let Some((server, _)) = custom.as_deref().and_then(server_of) {
            address = Some(server);
            service = Some(Value::Null);
        }
        let version = |object: &Value| {
            let metadata = &object["metadata"];
            (metadata["uid"].clone(), metadata["generation"].clone())
        };
        let (workload, name) = &self.owned_objects(kind)[0];
        let missing = self.is_object_missing(kind).await?;
        if !missing && self.reconciled.get(kind) == Some(&version(&object)) {
            return Ok(());
        }
        // What follows writes, so it reads again.
        self.forget_reads();
        let updated = if self.is_current() {
            operator::write_operator_fields(&self.client, &[object]).await?
        } else {
            vec![object]
        };
        let uid = updated[0]["metadata"]["uid"].as_str().unwrap_or_default();
        let objects = if kind == "Broker" {
            let token = self.token().await?.unwrap_or_else(random_token);
            let values = [("broker_uid", uid), ("token", &users::base64(&token))];
            let spec = &updated[0]["spec"];
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
            let url = if let Some(url) = &custom {
                url.clone()
            } else if self.is_current() {
                format!("nats://$(NATS_TOKEN)@{address}:4222")
            } else {
                format!("{address}:4222")
            };
            let values = [("meshsync_uid", uid), ("broker_url", &url)];
            let mut objects = self.setup.fill(self.setup.templates().meshsync, &values)?;
            if custom.is_some() {
                // The operator does not add the token of its own broker.
                let env = &mut objects[0]["spec"]["template"]["spec"]["containers"][0]["env"];
                if let Some(env) = env.as_array_mut() {
                    env.retain(|entry| entry["name"] != "NATS_TOKEN");
                }
            }
            objects
        };
        let writer = self.setup.writer(if kind == "Broker" { "broker" } else { "" });
        for object in objects {
            match rest::write(&self.client, writer, &object).await {
                // A writer that creates does not change an existing object.
                Err(error) if !rest::is(&error, 409) => return Err(error),
                _ => {}
            }
        }
        let ready = self.find("apps/v1", workload, name).await?;
        self.forget_reads();
        if let (Some(service), Some(address)) = (service, address)
            && ready.as_ref().is_some_and(has_all_replicas)
        {
            self.setup.write_statuses(&self.client, &service, address, &updated).await?;
            self.reconciled.insert(kind, version(&updated[0]));
        }
        Ok(())
    }

    /// Whether an object of a custom resource is missing.
    async fn is_object_missing(&self, kind: &str) -> Result<bool> {
        let secret = (kind == "Broker" && self.is_current()).then(|| ("Secret", "meshery-nats-auth".to_owned()));
        for (kind, name) in self.owned_objects(kind).into_iter().chain(secret) {
            if self.find(api_version(kind), kind, &name).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes the objects of a custom resource and removes its finalizer. The Secret is left to the garbage collector,
    /// as the operator does.
    async fn finalize(&mut self, object: &Value, kind: &'static str) -> Result<()> {
        self.reconciled.remove(kind);
        self.forget_reads();
        for (kind, name) in self.owned_objects(kind) {
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

    /// The objects that the operator creates for a custom resource and deletes with it, the workload first.
    fn owned_objects(&self, kind: &str) -> Vec<(&'static str, String)> {
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
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" => "apps/v1",
        _ => "v1",
    }
}
