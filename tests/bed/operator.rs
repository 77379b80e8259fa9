//! The operator's work: the objects that it creates for the custom resources, and their statuses.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use serde_json::{Value, json};

use super::line::Line;
use super::setup::Setup;
use super::stack::{self, Stack};
use super::{manifests, real, rest, users, wait};

impl Setup {
    /// Creates what the operator creates, and starts the broker servers.
    pub(super) async fn run_fake_operator(&self, stack: &mut Stack, custom: &[Value]) -> Result<()> {
        let client = stack.client.clone();
        let uid = |kind: &str| {
            let object = custom.iter().find(|object| object["kind"] == kind);
            object.and_then(|object| object["metadata"]["uid"].as_str()).with_context(|| format!("no {kind}"))
        };
        // The Secret exists even if the brokers require no token.
        let token = users::base64(self.token.as_deref().unwrap_or("unused"));
        let broker = self.fill(self.templates().broker, &[("broker_uid", uid("Broker")?), ("token", &token)])?;
        let updates = async {
            if self.line == Line::Current { write_operator_fields(&client, custom).await } else { Ok(custom.to_vec()) }
        };
        let (created, updated) = tokio::try_join!(rest::write_all(&client, self.writer("broker"), &broker), updates)?;
        let service =
            created.iter().find(|object| object["kind"] == "Service" && object["spec"]["clusterIP"] != "None");
        let service = service.context("the broker has no Service")?;
        let address: Ipv4Addr = service["spec"]["clusterIP"].as_str().unwrap_or_default().parse()?;

        let url = match (self.line, &self.token) {
            (Line::Old | Line::Meshplay, _) => format!("{address}:4222"),
            (Line::Current, None) => format!("nats://{address}:4222"),
            (Line::Current, Some(_)) => format!("nats://$(NATS_TOKEN)@{address}:4222"),
        };
        let values = [("meshsync_uid", uid("MeshSync")?), ("broker_url", &url)];
        let meshsync = self.fill(self.templates().meshsync, &values)?;
        let service_path = rest::path_of(service)?;
        let ingress = async {
            match self.ingress {
                None => Ok(()),
                Some(ip) => stack::set_ingress(&client, &service_path, &json!([{"ip": ip, "ipMode": "VIP"}])).await,
            }
        };
        let statuses = self.write_statuses(&client, service, address, &updated);
        tokio::try_join!(
            rest::write_all(&client, self.writer("meshsync"), &meshsync),
            statuses,
            ingress,
            stack.start_brokers(address, self.brokers),
        )?;
        Ok(())
    }

    /// Starts the real operator and the broker servers; returns when the operator has reconciled the custom resources.
    pub(super) async fn run_real_operator(&self, stack: &mut Stack, binary: PathBuf) -> Result<()> {
        let (cluster, client) = (stack.cluster.clone(), stack.client.clone());
        let operator = real::start_operator(&cluster, &client, &self.namespace, binary).await?;
        let operator = stack.operator.insert(operator);
        let names = self.line.names();
        let service = rest::path("v1", "Service", &self.namespace, names.broker);
        let secret = rest::path("v1", "Secret", &self.namespace, "meshery-nats-auth");
        let (address, token) = wait::until("the operator to create the broker", Duration::from_secs(60), || async {
            let tail = || operator.log_tail(15);
            ensure!(operator.exit_status().is_none(), "the operator exited; its log ends with:\n{}", tail());
            let (Ok(service), Ok(secret)) = (rest::get(&client, &service).await, rest::get(&client, &secret).await)
            else {
                return Ok(None);
            };
            let address = service["spec"]["clusterIP"].as_str().and_then(|text| text.parse::<Ipv4Addr>().ok());
            let token = serde_json::from_value::<k8s_openapi::ByteString>(secret["data"]["token"].clone()).ok();
            Ok(address.zip(token))
        })
        .await?;
        stack.token = self.token.is_some().then(|| String::from_utf8_lossy(&token.0).into_owned());
        stack.start_brokers(address, self.brokers).await?;
        let ready = rest::path(&format!("{}/v1alpha1", names.group), "MeshSync", &self.namespace, "meshery-meshsync");
        wait::until("the operator to reconcile MeshSync", Duration::from_secs(60), || async {
            Ok(rest::get(&client, &ready).await?["status"]["publishing-to"].as_str().map(drop))
        })
        .await?;
        if self.service_type == "LoadBalancer" {
            return Ok(());
        }
        let broker = rest::path(&format!("{}/v1alpha1", names.group), "Broker", &self.namespace, "meshery-broker");
        wait::until("the operator to report the broker as ready", Duration::from_secs(60), || async {
            let broker = rest::get(&client, &broker).await?;
            let is_ready = broker["status"]["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            Ok(is_ready.then_some(()))
        })
        .await
    }

    /// Writes the statuses of the custom resources.
    pub(super) async fn write_statuses(
        &self,
        client: &Client,
        service: &Value,
        address: Ipv4Addr,
        custom: &[Value],
    ) -> Result<()> {
        let port = service["spec"]["ports"][0]["nodePort"].as_u64();
        let external = match (self.line, port, self.ingress) {
            // The old operator guesses the address and keeps it.
            (Line::Old | Line::Meshplay, Some(port), _) => Some(format!("localhost:{port}")),
            (Line::Current, _, Some(ip)) => Some(format!("{ip}:4222")),
            (Line::Current, Some(port), None) if self.service_type == "NodePort" => Some(format!("127.0.0.1:{port}")),
            _ => None,
        };
        // A null removes the value that an older operator wrote.
        let endpoint = json!({"internal": format!("{address}:4222"), "external": external});
        let current = self.line == Line::Current;
        let scheme = if current { "nats://" } else { "" };
        for object in custom {
            let mut status = if object["kind"] == "Broker" {
                json!({"endpoint": endpoint})
            } else {
                json!({"publishing-to": format!("{scheme}{address}:4222")})
            };
            if current {
                status["conditions"] = conditions(object);
            }
            let path = format!("{}/status", rest::path_of(object)?);
            rest::merge(client, &path, &json!({"status": status})).await?;
        }
        Ok(())
    }
}

/// The conditions that the current operator writes on a custom resource if everything works.
fn conditions(object: &Value) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": manifests::now(),
            "observedGeneration": object["metadata"]["generation"],
        })
    };
    if object["kind"] == "Broker" {
        return json!([
            condition("Processing", "True", "Reconciling", "Reconciling broker"),
            condition("Ready", "True", "ReconciliationSuccessful", "Broker reconciled successfully"),
        ]);
    }
    let mut all = vec![condition("Processing", "True", "Reconciling", "Reconciling meshsync")];
    // The operator never removes the condition of the health check that fails while a new MeshSync starts; real
    // clusters show it. A MeshSync from before an upgrade was ready all the time.
    if object["status"].is_null() {
        all.push(condition("Failed", "False", "HealthCheckFailed", "Meshsync health check failed"));
    }
    all.push(condition("Ready", "True", "ReconciliationSuccessful", "meshsync reconciled successfully"));
    all.into()
}

/// Writes what the operator adds to the custom resources: finalizers, and the empty objects of its Go types.
pub(super) async fn write_operator_fields(client: &Client, custom: &[Value]) -> Result<Vec<Value>> {
    let mut updated = Vec::new();
    for object in custom {
        let path = format!("{}?fieldManager=manager", rest::path_of(object)?);
        let change = if object["kind"] == "Broker" {
            json!({"metadata": {"finalizers": ["broker.meshery.io/finalizer"]}, "spec": {"service": {}}})
        } else {
            json!({
                "metadata": {"finalizers": ["meshsync.meshery.io/finalizer"]},
                "spec": {"broker": {"custom": {}}, "watch-list": {"metadata": {}}},
            })
        };
        updated.push(rest::merge(client, &path, &change).await?);
    }
    Ok(updated)
}
