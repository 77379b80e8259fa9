//! The state of one component.

use std::fmt;

use serde::Serialize;

/// The state of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Nothing is proven.
    Unknown,
    /// Operator: its Deployment does not exist.
    NotDeployed,
    /// Operator: it exists, but its rollout is not complete.
    Deploying,
    /// `MeshSync`, Broker: the custom resource does not exist.
    Undeployed,
    /// `MeshSync`: the custom resource exists, its Deployment does not.
    Enabled,
    /// The workload exists. For the Broker: the custom resource exists.
    Deployed,
    /// `MeshSync`: its container is running.
    Running,
    /// `MeshSync`, server: connected to the broker. Broker: Meshery Server is connected to it.
    Connected,
    /// Server, agents: none was found in the cluster.
    NotSeen,
    /// Policies: the controller applies it.
    Accepted,
    /// Policies: no controller has judged it.
    Pending,
    /// Policies: it contradicts another object, or asks for something that is not possible.
    Invalid,
    /// Policies: it was accepted, but could not be written to the mesh.
    Failed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The state of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentReport {
    /// The highest state that is proven.
    pub state: State,
    /// Whether the next one could not be checked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// The running version, or the desired one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why the state is not higher, or not known to be higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the mode does not need this component.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expected_absent: bool,
}
