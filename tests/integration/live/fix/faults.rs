//! The faults that `check --fix` can fix, and how a test causes each of them.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use kube::Client;
use serde_json::{Value, json};

use super::{FakeController, Patient};
use crate::bed::{self, Line, rest, states, users};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Longer than the difference that is tolerated between two clocks.
const CLOCK_SKEW: Duration = Duration::from_secs(6);

/// Valid watch-lists for an edit. Only one that differs from the current one is an edit.
const EDITED: [&str; 2] = [
    r#"[{"Resource": "pods.v1.", "Events": ["ADDED", "MODIFIED", "DELETED"]}]"#,
    r#"[{"Resource": "services.v1.", "Events": ["ADDED", "MODIFIED", "DELETED"]}]"#,
];

/// A fault and the root cause that a check reports for it.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) cause: &'static str,
    /// The root cause whose fix cures it, if it is another one.
    pub(super) fixed: &'static str,
}

const fn fault(name: &'static str, cause: &'static str) -> Fault {
    Fault { name, cause, fixed: cause }
}

/// Every fault with a test.
pub(super) const ALL: &[Fault] = &[
    fault("reader-role-missing", "meshsync-cannot-list"),
    fault("meshsync-gave-up", "meshsync-not-connected"),
    fault("token-rotated", "broker-auth-failed"),
    fault("token-emptied", "broker-token-missing"),
    fault("token-changed-for-the-broker-only", "meshsync-stale-env"),
    fault("upgraded-in-place", "two-generations"),
    fault("watch-list-emptied", "watch-list-empty"),
    fault("watch-list-of-names", "watch-list-invalid"),
    fault("watch-list-of-unknown-kinds", "watch-list-matches-nothing"),
    fault("watch-list-edited", "watch-list-edited-since-start"),
    fault("blacklist", "meshsync-version-bug"),
    fault("operator-deleted", "operator-missing"),
    fault("operator-scaled-to-zero", "operator-scaled-to-zero"),
    fault("webhook-untrusted", "operator-webhook-cert"),
    fault("operator-without-permissions", "operator-role-incomplete"),
    fault("custom-resources-deleted", "cr-missing"),
    fault("crd-deleted", "crd-missing"),
    fault("conversion-webhook-dead", "conversion-webhook-down"),
    fault("only-workloads-left", "orphaned-workloads"),
    fault("stuck-terminating", "cr-stuck-terminating"),
    Fault { name: "old-broker-exposed", cause: "broker-unauthenticated", fixed: "crd-outdated" },
    fault("old-broker-exposed-with-new-crds", "broker-unauthenticated"),
    fault("cluster-admin", "over-privileged"),
];

/// A token that was never in use.
fn another_token() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("tAnotherTokenOfTheSameKind{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn named(name: &str) -> &'static Fault {
    ALL.iter().find(|fault| fault.name == name).expect("a fault of the list")
}

/// A stack that works until [`Patient::cause`].
pub(super) async fn patient(name: &str) -> Result<Patient> {
    let is_edit = name == "watch-list-edited";
    let bed = if is_edit { bed::private().await? } else { bed::lease().await? };
    // MeshSync reads a watch-list only in this namespace.
    let namespace = if is_edit { "meshery".to_owned() } else { bed.namespace().to_owned() };
    bed.crds_will_change().await;
    let stack = match name {
        "upgraded-in-place" => states::apply(name, &bed, &namespace).await?,
        "old-broker-exposed" => states::apply("old-line-connected", &bed, &namespace).await?,
        "old-broker-exposed-with-new-crds" => {
            let stack = states::apply("old-line-connected", &bed, &namespace).await?;
            bed.upgrade_crds(&bed.client().await?, Line::Current).await?;
            stack
        }
        _ => None,
    };
    let controller = if stack.is_none() { Some(states::working(&bed, &namespace).await?) } else { None };
    Ok(Patient { bed, namespace, controller, stack })
}

impl Patient {
    fn working(&self) -> Result<&FakeController> {
        self.controller.as_ref().context("a controller")
    }

    fn path(&self, api_version: &str, kind: &str, name: &str) -> String {
        rest::path(api_version, kind, self.namespace(), name)
    }

    fn custom(&self, kind: &str) -> String {
        self.path("meshery.io/v1alpha1", kind, &format!("meshery-{}", kind.to_lowercase()))
    }

    fn operator(&self) -> String {
        self.path("apps/v1", "Deployment", "meshery-operator")
    }

    /// Causes a fault.
    pub(super) async fn cause(&self, name: &str) -> Result<()> {
        let client = self.bed.client().await?;
        let delete = async |path: &str| rest::delete(&client, path).await;
        let merge = async |path: &str, change: Value| rest::merge(&client, path, &change).await.map(drop);
        let watch_list = async |data: Value| {
            let change = json!({ "spec": { "watch-list": { "data": data } } });
            merge(&self.custom("MeshSync"), change).await
        };
        match name {
            "reader-role-missing" => {
                delete(&format!("{RBAC}/clusterrolebindings/meshery-meshsync-reader")).await?;
                delete(&format!("{RBAC}/clusterroles/meshery-meshsync-reader")).await
            }
            "meshsync-gave-up" => self.working()?.give_up_meshsync().await,
            "token-rotated" => {
                let secret = self.path("v1", "Secret", "meshery-nats-auth");
                self.recreate(&secret, |secret| {
                    secret["data"]["token"] = users::base64(&another_token()).into();
                })
                .await
            }
            "token-emptied" => {
                merge(&self.path("v1", "Secret", "meshery-nats-auth"), json!({ "data": { "token": null } })).await
            }
            "token-changed-for-the-broker-only" => {
                // The times of two clocks are compared with a tolerance.
                tokio::time::sleep(CLOCK_SKEW).await;
                let secret = self.path("v1", "Secret", "meshery-nats-auth");
                self.recreate(&secret, |secret| {
                    secret["data"]["token"] = users::base64(&another_token()).into();
                })
                .await?;
                self.replace_broker_pod(&client).await
            }
            "webhook-untrusted" => {
                let manager = json!({ "name": "manager", "env": [{ "name": "ENABLE_WEBHOOKS", "value": "true" }] });
                let template = json!({ "spec": { "template": { "spec": { "containers": [manager] } } } });
                let patch = template.to_string();
                self.bed.kubectl(&["-n", self.namespace(), "patch", "deployment", "meshery-operator", "-p", &patch])?;
                // Nothing tells the API server which CA signs the certificate of this server.
                let config = json!({ "url": format!("{}/convert", self.bed.server()) });
                self.break_conversion(&config).await
            }
            "upgraded-in-place" | "old-broker-exposed" | "old-broker-exposed-with-new-crds" => Ok(()),
            "watch-list-emptied" => watch_list(json!({ "whitelist": "[]", "blacklist": null })).await,
            "watch-list-of-names" => {
                watch_list(json!({ "whitelist": r#"["pods.v1.", "services.v1."]"#, "blacklist": null })).await
            }
            "watch-list-of-unknown-kinds" => {
                let list = r#"[{"Resource": "widgets.v1.example.com", "Events": ["ADDED"]}]"#;
                watch_list(json!({ "whitelist": list, "blacklist": null })).await
            }
            "watch-list-edited" => {
                // The times of two clocks are compared with a tolerance.
                tokio::time::sleep(CLOCK_SKEW).await;
                let current = rest::get(&client, &self.custom("MeshSync")).await?;
                let is_edited = current["spec"]["watch-list"]["data"]["whitelist"] == json!(EDITED[0]);
                watch_list(json!({ "whitelist": EDITED[usize::from(is_edited)], "blacklist": null })).await
            }
            "blacklist" => watch_list(json!({ "whitelist": null, "blacklist": r#"["pods.v1."]"# })).await,
            "operator-deleted" => delete(&self.operator()).await,
            "operator-scaled-to-zero" => merge(&self.operator(), json!({ "spec": { "replicas": 0 } })).await,
            "operator-without-permissions" => {
                merge(&format!("{RBAC}/clusterroles/meshery-operator-role"), json!({ "rules": [] })).await
            }
            "custom-resources-deleted" => {
                for kind in ["MeshSync", "Broker"] {
                    delete(&self.custom(kind)).await?;
                }
                self.until_gone(&[self.custom("MeshSync"), self.custom("Broker")]).await
            }
            "crd-deleted" => {
                let crd = format!("{CRDS}/meshsyncs.meshery.io");
                delete(&crd).await?;
                self.until_gone(&[crd]).await
            }
            "conversion-webhook-dead" => {
                let service = json!({ "namespace": self.namespace(), "name": "no-such-webhook", "path": "/convert" });
                self.break_conversion(&json!({ "service": service })).await
            }
            "only-workloads-left" => self.orphan().await,
            "stuck-terminating" => {
                self.until_reconciled().await?;
                delete(&self.operator()).await?;
                // From then on, no operator removes the finalizers.
                self.working()?.until_up_to_date().await?;
                delete(&self.custom("MeshSync")).await?;
                delete(&self.custom("Broker")).await
            }
            "cluster-admin" => self.grant_everything().await,
            _ => bail!("nothing causes {name}"),
        }
    }

    /// Deletes the broker's pod; returns when the server of the new one runs.
    async fn replace_broker_pod(&self, client: &Client) -> Result<()> {
        let path = self.path("v1", "Pod", "meshery-nats-0");
        let old = rest::get(client, &path).await?["metadata"]["uid"].clone();
        rest::delete(client, &path).await?;
        bed::until("the new pod to be ready", Duration::from_secs(30), || async {
            let pod = rest::get(client, &path).await.unwrap_or_default();
            let is_ready = pod["status"]["containerStatuses"][0]["ready"] == true;
            Ok((is_ready && pod["metadata"]["uid"] != old).then_some(()))
        })
        .await?;
        self.working()?.until_up_to_date().await
    }

    /// Lets the API server convert the custom resources with a webhook that does not work.
    async fn break_conversion(&self, config: &Value) -> Result<()> {
        let client = self.bed.client().await?;
        let webhook = json!({ "conversionReviewVersions": ["v1"], "clientConfig": config });
        let conversion = json!({ "spec": { "conversion": { "strategy": "Webhook", "webhook": webhook } } });
        for plural in ["brokers", "meshsyncs"] {
            rest::merge(&client, &format!("{CRDS}/{plural}.meshery.io"), &conversion).await?;
        }
        Ok(())
    }

    /// Deletes an object and creates it again, changed.
    async fn recreate(&self, path: &str, change: impl Fn(&mut Value)) -> Result<()> {
        let client = self.bed.client().await?;
        let mut object = rest::get(&client, path).await?;
        rest::delete(&client, path).await?;
        let metadata = &object["metadata"];
        object["metadata"] = json!({
            "name": metadata["name"], "labels": metadata["labels"], "ownerReferences": metadata["ownerReferences"],
        });
        change(&mut object);
        let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection);
        bed::until("the object to be created again", Duration::from_secs(20), || async {
            Ok(rest::post(&client, collection, &object).await.is_ok().then_some(()))
        })
        .await
    }

    async fn until_gone(&self, paths: &[String]) -> Result<()> {
        let client = self.bed.client().await?;
        bed::until("the objects to be deleted", Duration::from_secs(30), || async {
            for path in paths {
                if rest::get(&client, path).await.is_ok() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// Waits until the operator has added its finalizers, which a redeploy does not wait for.
    async fn until_reconciled(&self) -> Result<()> {
        let client = self.bed.client().await?;
        bed::until("the operator to add its finalizers", Duration::from_secs(30), || async {
            for kind in ["MeshSync", "Broker"] {
                if rest::get(&client, &self.custom(kind)).await?["metadata"]["finalizers"].is_null() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// Deletes the operator and the custom resources, and keeps what the operator created.
    async fn orphan(&self) -> Result<()> {
        let client = self.bed.client().await?;
        rest::delete(&client, &self.operator()).await?;
        self.working()?.until_up_to_date().await?;
        let workloads = [
            self.path("apps/v1", "Deployment", "meshery-meshsync"),
            self.path("apps/v1", "StatefulSet", "meshery-nats"),
        ];
        for path in &workloads {
            rest::merge(&client, path, &json!({ "metadata": { "ownerReferences": null } })).await?;
        }
        let custom_resources = [self.custom("MeshSync"), self.custom("Broker")];
        for path in &custom_resources {
            rest::merge(&client, path, &json!({ "metadata": { "finalizers": null } })).await?;
            rest::delete(&client, path).await?;
        }
        self.until_gone(&custom_resources).await
    }

    /// The binding of the old operator line, which an upgrade in place keeps.
    async fn grant_everything(&self) -> Result<()> {
        let name = "meshery-controller-rolebinding";
        let group = "rbac.authorization.k8s.io";
        let account = json!({ "kind": "ServiceAccount", "name": "meshery-operator", "namespace": self.namespace() });
        let binding = json!({
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [account],
        });
        self.bed.apply_yaml(&binding.to_string()).await.map(drop)
    }
}
