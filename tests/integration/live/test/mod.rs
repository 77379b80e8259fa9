//! `test dataflow` with a MeshSync that really publishes.

mod dataflow;
mod faulty_meshsync;
mod load;
mod passive;
mod refused;
mod store;
mod synthetic;
mod through_server;
mod watched;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::at;
use crate::{
    bed::{self, Broker, Cluster, Faults, Lease, Line, Publisher, Setup, Stack, rest},
    schema,
    tool::{Ran, roots},
};

/// The time limit when a test waits for something that is certain to happen.
const LIMIT: Duration = Duration::from_secs(20);

/// The kinds of probe objects: the option's value, group and version, and the kind.
const KINDS: [(&str, &str, &str); 5] = [
    ("configmap", "v1", "ConfigMap"),
    ("deployment", "apps/v1", "Deployment"),
    ("replicaset", "apps/v1", "ReplicaSet"),
    ("cronjob", "batch/v1", "CronJob"),
    ("service", "v1", "Service"),
];

/// A stack and its cluster. The stack is dropped first.
struct Scene {
    stack: Stack,
    bed: Lease,
}

impl Scene {
    /// A stack of the current operator line in a namespace of its own. With the real MeshSync the namespace is
    /// `meshery`, the only one in which it looks for its watch-list.
    async fn of(change: impl FnOnce(Setup) -> Setup) -> Result<Self> {
        if is_real() {
            return Self::private(change).await;
        }
        let bed = bed::lease().await?;
        let setup = Stack::of(Line::Current).namespace(bed.namespace());
        let stack = change(setup).start(&bed).await?;
        Ok(Self { stack, bed })
    }

    /// A stack in a cluster that no other test uses.
    async fn private(change: impl FnOnce(Setup) -> Setup) -> Result<Self> {
        let bed = bed::private().await?;
        bed.create_namespace("meshery").await?;
        let stack = change(Stack::of(Line::Current)).start(&bed).await?;
        Ok(Self { stack, bed })
    }

    /// A MeshSync without faults.
    async fn meshsync(&self) -> Result<Publisher> {
        self.faulty(&Faults::default()).await
    }

    /// Starts a fake MeshSync without faults, never the real one: a machine can run only one real MeshSync, and that one
    /// exits if the broker rejects it.
    async fn fake_meshsync(&self) -> Result<Publisher> {
        let faults = Faults { drop: vec!["NOTHING".to_owned()], ..Faults::default() };
        self.faulty(&faults).await
    }

    async fn faulty(&self, faults: &Faults) -> Result<Publisher> {
        self.stack.start_publisher(0, faults).await
    }

    /// `test dataflow` with these arguments. It must end with this exit code.
    async fn dataflow(&self, code: i32, arguments: &str) -> Value {
        let arguments = format!("test dataflow -o json {arguments}");
        let report = reported(&self.run(&arguments).await.exits(code));
        assert_eq!(report["kind"], "Test");
        assert_eq!(report["test"]["subject"], "dataflow");
        report
    }

    async fn run(&self, arguments: &str) -> Ran {
        at(&self.bed, &self.stack.namespace, arguments).run_beside().await
    }

    /// The id of this cluster.
    async fn cluster_id(&self) -> Result<Value> {
        let path = "/api/v1/namespaces/kube-system";
        Ok(rest::get(&self.stack.client, path).await?["metadata"]["uid"].clone())
    }

    /// Fails if an object of a test still exists, in any namespace.
    async fn assert_nothing_is_left(&self) -> Result<()> {
        for (_, api_version, kind) in KINDS {
            let all = rest::collection(api_version, kind, None);
            let path = format!("{all}?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dmeshdoctor");
            let left = rest::list(&self.stack.client, &path).await?;
            // An object that is terminating may still wait for the garbage collector.
            let left: Vec<_> = left.iter().filter(|object| object["metadata"]["deletionTimestamp"].is_null()).collect();
            assert!(left.is_empty(), "{left:#?}");
        }
        Ok(())
    }

    /// The writes of users so far. Only the cluster's own programs send a user
    /// agent. Access reviews are not writes.
    fn writes(&self) -> Result<Vec<String>> {
        let made = self.bed.audit()?;
        let text = |entry: &Value, pointer| {
            let text = entry.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Ok(made
            .iter()
            .filter(|entry| text(entry, "/user/username") == bed::users::ADMIN)
            .filter(|entry| text(entry, "/userAgent").is_empty())
            .filter(|entry| !text(entry, "/objectRef/resource").ends_with("reviews"))
            .filter(|entry| text(entry, "/objectRef/subresource") != "portforward")
            .map(|entry| format!("{} {}", text(entry, "/verb"), text(entry, "/requestURI")))
            .collect())
    }

    /// A server with additional settings in place of the stack's first one.
    async fn broker_with(&self, config: &str) -> Result<Broker> {
        let old = self.stack.nats(0);
        old.kill();
        let token = self.stack.token.as_deref();
        Broker::with_config(&self.bed, &old.name, old.address, token, config).await
    }

    /// Allows MeshSync to read these resources and no others.
    async fn allow_meshsync_to_read(&self, resources: &[&str]) -> Result<()> {
        let name = format!("read-some-{}", self.stack.namespace);
        let rule = json!({ "apiGroups": ["*"], "resources": resources, "verbs": ["get", "list", "watch"] });
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": { "name": name }, "rules": [rule],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": "meshery-operator", "namespace": self.stack.namespace }],
        });
        self.bed.apply_yaml(&format!("{role}\n---\n{binding}")).await?;
        let account = format!("system:serviceaccount:{}:meshery-operator", self.stack.namespace);
        let last = resources.last().context("nothing to read")?;
        until_account_may(&self.bed, &account, last, true).await
    }
}

/// Whether tests without faults use the real MeshSync.
fn is_real() -> bool {
    std::env::var_os("MESHSYNC_BIN").is_some()
}

/// Waits until the authorizer allows or denies a ServiceAccount to list a resource.
async fn until_account_may(cluster: &Cluster, account: &str, resource: &str, allowed: bool) -> Result<()> {
    let client = cluster.client().await?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": { "user": account, "resourceAttributes": { "verb": "list", "group": "", "resource": resource } },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    bed::until("the permissions to be known", LIMIT, || async {
        let answer = rest::post(&client, path, &review).await?;
        Ok((answer["status"]["allowed"] == allowed).then_some(()))
    })
    .await
}

/// The report of a run, which must match its schema.
#[track_caller]
fn reported(ran: &Ran) -> Value {
    let report = ran.json();
    assert_eq!(report["exitCode"], ran.code);
    schema::assert_fits(schema::validator(), &report, "the report");
    report
}

#[track_caller]
fn hop<'a>(report: &'a Value, id: &str) -> &'a Value {
    let hops = report["test"]["hops"].as_array().expect("steps");
    hops.iter().find(|hop| hop["id"] == id).unwrap_or_else(|| panic!("no {id}: {hops:#?}"))
}

/// How a step ended, and how often it was measured.
#[track_caller]
fn step_result(report: &Value, id: &str) -> (String, u64) {
    let hop = hop(report, id);
    let status = hop["status"].as_str().expect("a status").to_owned();
    (status, hop["timing"]["count"].as_u64().unwrap_or(0))
}

/// How each event step ended.
#[track_caller]
fn events(report: &Value) -> Vec<&str> {
    ["added", "modified", "deleted"]
        .into_iter()
        .map(|id| hop(report, id)["status"].as_str().expect("a status"))
        .collect()
}

#[track_caller]
fn resource<'a>(report: &'a Value, name: &str) -> &'a Value {
    let resources = report["test"]["resources"].as_array().expect("resources");
    resources
        .iter()
        .find(|resource| resource["resource"] == name)
        .unwrap_or_else(|| panic!("no {name}: {resources:#?}"))
}

#[track_caller]
fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {findings:#?}"))
}

/// Fails unless this is the only root cause.
#[track_caller]
fn assert_root(report: &Value, code: &str) {
    assert_eq!(roots(report), [code], "{:#}", report["findings"]);
}

#[track_caller]
fn assert_evidence(finding: &Value, words: &str) {
    let evidence = finding["evidence"].to_string();
    assert!(evidence.contains(words), "{words:?} is not in {evidence:#?}");
}
