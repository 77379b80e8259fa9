//! meshdoctor in the cluster: a Job or `CronJob` that runs `check` with its own `ServiceAccount`.

use serde_json::{Value, json};

use crate::stack::{
    object,
    profile::{Profile, Selector},
};

/// The label of meshdoctor's own pods. The broker's `NetworkPolicy` lets them in.
pub(super) const LABEL: Selector = &[("app.kubernetes.io/name", "meshdoctor")];

/// The name of the `ServiceAccount` and of the workload.
pub const NAME: &str = "meshdoctor";

/// The user in the image.
const USER: u32 = 65532;

/// How long the result of a run is kept.
const KEPT_SECONDS: u32 = 24 * 3600;

/// How long a run may take, with the time to pull the image.
const LONGEST_SECONDS: u32 = 600;

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// The image.
    pub image: String,
    /// The schedule of a `CronJob`. `None` for a Job.
    pub schedule: Option<String>,
    /// Whether to run the data flow test too.
    pub synthetic: bool,
}

/// Its `ServiceAccount`.
pub fn service_account(namespace: &str) -> Value {
    object_of(object::SERVICE_ACCOUNT, namespace)
}

/// The Job or `CronJob`.
pub fn workload(profile: &Profile, namespace: &str, monitor: &Monitor) -> Value {
    let job = json!({
        // A failed check is a result, not a reason to try again.
        "backoffLimit": 0,
        "activeDeadlineSeconds": LONGEST_SECONDS,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        "template": { "metadata": { "labels": labels() }, "spec": pod(profile, namespace, monitor) },
    });
    match &monitor.schedule {
        None => {
            let mut object = object_of(object::JOB, namespace);
            object["spec"] = job;
            object
        }
        Some(schedule) => {
            let mut object = object_of(object::CRON_JOB, namespace);
            object["spec"] = json!({
                "schedule": schedule,
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": LONGEST_SECONDS,
                "successfulJobsHistoryLimit": 1,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": { "metadata": { "labels": labels() }, "spec": job },
            });
            object
        }
    }
}

fn pod(profile: &Profile, namespace: &str, monitor: &Monitor) -> Value {
    let mut arguments = vec!["check", "--output", "json"];
    if monitor.synthetic {
        arguments.push("--synthetic");
    }
    if namespace != profile.namespace {
        arguments.extend(["--namespace", namespace]);
    }
    if profile.name != crate::stack::profile::MESHERY.name {
        arguments.extend(["--profile", profile.name]);
    }
    json!({
        "serviceAccountName": NAME,
        "restartPolicy": "Never",
        "enableServiceLinks": false,
        "securityContext": pod_security(),
        "containers": [{
            "name": NAME,
            "image": monitor.image,
            "imagePullPolicy": "IfNotPresent",
            "args": arguments,
            "resources": resources(),
            "securityContext": container_security(),
        }],
    })
}

/// The security context of our pods. It satisfies Pod Security `restricted`.
pub fn pod_security() -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

/// The security context of our containers.
pub fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

/// What our containers use.
pub fn resources() -> Value {
    json!({
        "requests": { "cpu": "20m", "memory": "32Mi" },
        "limits": { "cpu": "500m", "memory": "128Mi" },
    })
}

fn labels() -> Value {
    LABEL.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect::<serde_json::Map<_, _>>().into()
}

fn object_of(kind: object::Kind, namespace: &str) -> Value {
    json!({
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": { "name": NAME, "namespace": namespace, "labels": labels() },
    })
}
