//! Meshery Server's connections to clusters, and its view of the controllers in one of them.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{report::State, stack::base::seen::Seen};

/// The stored connections to clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Connections {
    /// The connections, at most as many as the limit.
    pub items: Vec<ClusterConnection>,
    /// Their number, as the server counts.
    pub total: u64,
}

impl Connections {
    /// Whether these are all.
    pub fn is_complete(&self) -> bool {
        self.items.len() as u64 >= self.total
    }
}

/// One stored connection to a cluster, with the three IDs under which the server knows the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterConnection {
    /// The ID of the connection.
    pub id: String,
    /// The ID of the Kubernetes context, which older requests need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The UID of the namespace `kube-system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Its name, which is that of the kubeconfig's context.
    pub name: String,
    /// `connected`, `discovered`, `registered`, `disconnected`…
    pub status: String,
    /// The API server's address, as the server uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server: Option<String>,
    /// The mode that the connection asks for: `operator` or `embedded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
}

impl ClusterConnection {
    /// Whether the server means to use it.
    pub fn is_connected(&self) -> bool {
        self.status.eq_ignore_ascii_case("connected")
    }

    /// Whether a user has disconnected it.
    pub fn is_disconnected(&self) -> bool {
        self.status.eq_ignore_ascii_case("disconnected")
    }
}

/// The server's own request to the API server of one connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionPing {
    /// The Kubernetes version that it was told.
    pub version: Seen<String>,
    /// The HTTP status of a ping that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// A controller of which the server has a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controlled {
    /// The operator.
    Operator,
    /// The broker.
    Broker,
    /// `MeshSync`.
    Meshsync,
}

/// The server's view of one controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerView {
    /// The controller.
    pub controller: Controlled,
    /// The state in the server's words: `UNKOWN`, `Not Deployed`, `Connected nats://…`.
    pub said: String,
    /// The version that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl ControllerView {
    /// The state that the server means: [`State::Unknown`] if it is none that is known.
    ///
    /// Servers write a state in capitals or as a title, with spaces or without, and with the broker's address behind it.
    pub fn state(&self) -> State {
        let said: String = self.said.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        let known = [
            ("NOTDEPLOYED", State::NotDeployed),
            ("NOTACTIVE", State::Undeployed),
            ("UNDEPLOYED", State::Undeployed),
            ("DEPLOYED", State::Deployed),
            ("DEPLOYING", State::Deploying),
            ("ERRDISABLE", State::Deployed),
            ("ENABLED", State::Enabled),
            ("RUNNING", State::Running),
            ("CONNECTED", State::Connected),
        ];
        known.iter().find(|(word, _)| said.starts_with(word)).map_or(State::Unknown, |(_, state)| *state)
    }
}

/// One statement of the server's own diagnostics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Diagnostic {
    /// `error`, `warning`, `info`.
    pub severity: String,
    /// The server's code: `operator_deploy_failed`.
    pub code: String,
    /// The controller that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// One line.
    pub summary: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the server recommends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remediation: Vec<String>,
    /// The address that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// One of the server's events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerEvent {
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// `error`, `warning`, `informational`…
    pub severity: String,
    /// What it is about: `connection`.
    pub category: String,
    /// What happened: `create`.
    pub action: String,
    /// One line.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_state_is_read() {
        for (said, state) in [
            ("UNKOWN", State::Unknown),
            ("Unknown", State::Unknown),
            ("Not Deployed", State::NotDeployed),
            ("NOTDEPLOYED", State::NotDeployed),
            ("Undeployed", State::Undeployed),
            ("Not Active", State::Undeployed),
            ("Connected nats://10.0.0.7:4222", State::Connected),
            ("RUNNING", State::Running),
            ("Deploying", State::Deploying),
            ("", State::Unknown),
        ] {
            let view = ControllerView { controller: Controlled::Broker, said: said.into(), version: None };
            assert_eq!(view.state(), state, "{said}");
        }
    }
}
