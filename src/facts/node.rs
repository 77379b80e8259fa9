//! What the API server says about a node on which a pod looks lost.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::redact;

/// Whether a node is ready. Kubernetes' own type would add a lot to the binary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeReadiness {
    /// The status of its condition `Ready`: `True`; `False` if its kubelet says so; `Unknown` if its kubelet is silent.
    pub ready: String,
    /// The reason for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl NodeReadiness {
    /// Reads a `Node` object. Without the condition, its kubelet has never reported.
    pub fn of(node: &Value) -> Self {
        let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready");
        let Some(ready) = ready else {
            return Self { ready: "Unknown".into(), ..Self::default() };
        };
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        Self {
            ready: text("status"),
            reason: text("reason"),
            message: redact::text(&text("message")).into_owned(),
            since: ready["lastTransitionTime"].as_str().and_then(|time| time.parse().ok()),
        }
    }

    /// Whether its kubelet reports that it is ready.
    pub fn is_ready(&self) -> bool {
        self.ready == "True"
    }

    /// Whether its kubelet has stopped reporting. One that reports a problem is not silent.
    pub fn is_silent(&self) -> bool {
        !matches!(self.ready.as_str(), "True" | "False")
    }
}
