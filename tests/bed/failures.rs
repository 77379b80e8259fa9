//! Failures of a stack, for tests of the diagnosis.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::crds;
use super::rest;
use super::stack::{self, Stack};
use super::{manifests, wait};

impl Stack {
    /// Patches a pod's status with a JSON merge patch. kwok does not change the status of a running pod.
    pub async fn set_pod_status(&self, pod: &str, status: &Value) -> Result<()> {
        let path = format!("{}/status", self.path("v1", "Pod", pod));
        rest::merge(&self.client, &path, &json!({"status": status})).await.map(drop)
    }

    /// Sets the first container of a component's first pod to waiting, with a kubelet's reason and message. Returns the
    /// pod's name.
    pub async fn set_waiting(&self, component: &str, reason: &str, message: &str) -> Result<String> {
        self.set_container_state(component, json!({"waiting": {"reason": reason, "message": message}}), json!({}), 0)
            .await
    }

    /// Sets the first container of a component's first pod to CrashLoopBackOff. Returns the pod's name.
    pub async fn set_crash_loop(&self, component: &str, restarts: u32, exit_code: u32) -> Result<String> {
        let now = manifests::now();
        let name = component;
        let state = json!({"waiting": {
            "reason": "CrashLoopBackOff",
            "message": format!("back-off 5m0s restarting failed container={name}"),
        }});
        let last = json!({"terminated": {
            "exitCode": exit_code, "reason": "Error", "startedAt": now, "finishedAt": now,
        }});
        self.set_container_state(component, state, last, restarts).await
    }

    async fn set_container_state(&self, component: &str, state: Value, last: Value, restarts: u32) -> Result<String> {
        let pods = self.pods(component).await?;
        let name = pods.first().with_context(|| format!("no pod of {component}"))?;
        let pod = rest::get(&self.client, &self.path("v1", "Pod", name)).await?;
        let mut containers = pod["status"]["containerStatuses"].clone();
        let first = containers.get_mut(0).context("the pod has no containers")?;
        first["state"] = state;
        first["lastState"] = last;
        first["restartCount"] = restarts.into();
        first["ready"] = false.into();
        first["started"] = false.into();
        let now = manifests::now();
        let not_ready = |kind: &str| json!({"type": kind, "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now});
        let conditions = json!([not_ready("Ready"), not_ready("ContainersReady")]);
        self.set_pod_status(name, &json!({"conditions": conditions, "containerStatuses": containers})).await?;
        self.wait_unready(component).await?;
        Ok(name.clone())
    }

    /// Waits until the workload reports fewer ready replicas than desired.
    async fn wait_unready(&self, component: &str) -> Result<()> {
        let names = self.line.names();
        let path = match component {
            "broker" => self.path("apps/v1", "StatefulSet", names.broker),
            other => self.path("apps/v1", "Deployment", &format!("{}-{other}", names.prefix)),
        };
        wait::until("the workload to become unready", Duration::from_secs(10), || async {
            let workload = rest::get(&self.client, &path).await?;
            let ready = workload["status"]["readyReplicas"].as_u64().unwrap_or(0);
            Ok((Some(ready) < workload["spec"]["replicas"].as_u64()).then_some(()))
        })
        .await
    }

    /// Scales the operator; with 0 replicas it stops working.
    pub async fn scale_operator(&mut self, replicas: u32) -> Result<()> {
        if replicas == 0 {
            self.operator = None;
        }
        let path = self.operator_path();
        rest::merge(&self.client, &path, &json!({"spec": {"replicas": replicas}})).await?;
        self.wait_operator_pods(replicas).await
    }

    /// Deletes the operator's Deployment and waits until its pods are gone.
    pub async fn delete_operator(&mut self) -> Result<()> {
        self.operator = None;
        rest::delete(&self.client, &self.operator_path()).await?;
        self.wait_operator_pods(0).await
    }

    /// Deletes both custom resources; they stay terminating until something removes their finalizers.
    pub async fn delete_custom_resources(&self) -> Result<()> {
        for kind in ["MeshSync", "Broker"] {
            rest::delete(&self.client, &self.custom_path(kind)).await?;
        }
        Ok(())
    }

    /// Deletes both custom resources and everything that the operator deletes with them.
    pub async fn undeploy(&mut self) -> Result<()> {
        self.disconnect_kept();
        self.delete_custom_resources().await?;
        let names = self.line.names();
        let mut paths = vec![
            self.path("apps/v1", "Deployment", &format!("{}-meshsync", names.prefix)),
            self.path("apps/v1", "StatefulSet", names.broker),
            self.path("v1", "Service", names.broker),
            self.path("v1", "Service", &format!("{}-headless", names.broker)),
            self.path("v1", "ConfigMap", &format!("{}-nats-config", names.prefix)),
        ];
        if self.operator.is_none() {
            // The Secret is left to the garbage collector, as the operator leaves it.
            for path in &paths {
                rest::delete(&self.client, path).await?;
            }
            for kind in ["MeshSync", "Broker"] {
                rest::merge(&self.client, &self.custom_path(kind), &json!({"metadata": {"finalizers": null}}))
                    .await
                    .ok();
            }
        }
        for broker in self.brokers() {
            broker.kill();
        }
        paths.extend(["Broker", "MeshSync"].map(|kind| self.custom_path(kind)));
        wait::until("the stack's objects to be deleted", Duration::from_secs(30), || async {
            for path in &paths {
                if rest::get(&self.client, path).await.is_ok() {
                    return Ok(None);
                }
            }
            let left = self.pods("broker").await?.len() + self.pods("meshsync").await?.len();
            Ok((left == 0).then_some(()))
        })
        .await
    }

    /// Sets the load balancer addresses of the broker's Service: `[{"ip": …}]` or `[{"hostname": …}]`.
    pub async fn set_ingress(&self, ingress: &Value) -> Result<()> {
        stack::set_ingress(&self.client, &self.path("v1", "Service", self.line.names().broker), ingress).await
    }

    /// Configures both CRDs with a conversion webhook that does not exist. Objects can then be read only in their
    /// storage version.
    pub async fn break_conversion(&self) -> Result<()> {
        self.cluster.crds_will_change().await;
        let service = json!({"name": "meshery-webhook-service", "namespace": self.namespace, "path": "/convert"});
        let webhook = json!({"conversionReviewVersions": ["v1"], "clientConfig": {"service": service}});
        let patch = json!({"spec": {"conversion": {"strategy": "Webhook", "webhook": webhook}}});
        let names = self.line.names();
        for plural in ["brokers", "meshsyncs"] {
            rest::merge(&self.client, &crds::path(plural, names.group), &patch).await?;
        }
        // The API server applies a changed CRD after a moment: wait until one of the versions fails.
        let collection = |version: &str, kind: &str| {
            rest::collection(&format!("{}/{version}", names.group), kind, Some(&self.namespace))
        };
        wait::until("the conversion to fail", Duration::from_secs(15), || async {
            for kind in ["Broker", "MeshSync"] {
                let (one, two) = (collection("v1alpha1", kind), collection("v1alpha2", kind));
                if rest::get(&self.client, &one).await.is_ok() && rest::get(&self.client, &two).await.is_ok() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    fn operator_path(&self) -> String {
        self.path("apps/v1", "Deployment", &format!("{}-operator", self.line.names().prefix))
    }

    async fn wait_operator_pods(&self, count: u32) -> Result<()> {
        wait::until("the operator's pods", Duration::from_secs(30), || async {
            Ok((self.pods("operator").await?.len() == count as usize).then_some(()))
        })
        .await
    }
}
