//! The components with their states, and the workloads.

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::Route;
use crate::stack::component::Component;

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
    /// Server: none was found in the cluster.
    NotSeen,
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

/// The state of the broker, and its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerReport {
    /// The same as for every component.
    #[serde(flatten)]
    pub component: ComponentReport,
    /// The addresses in the custom resource's status.
    pub endpoint: EndpointReport,
    /// The servers that answered.
    pub servers: Vec<ServerReport>,
}

/// The addresses of the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EndpointReport {
    /// Inside the cluster.
    pub internal: Option<String>,
    /// Outside the cluster.
    pub external: Option<String>,
}

/// One broker server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerReport {
    /// Its pod.
    pub pod: Option<String>,
    /// The NATS version.
    pub version: String,
    /// The route by which it was reached.
    pub reached_by: Route,
    /// Its address, if the route has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The number of its clients.
    pub client_count: usize,
    /// Its clients. The stack's own are always included.
    pub clients: Vec<ClientReport>,
}

/// One client of a broker server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientReport {
    /// The name that it sent.
    pub name: String,
    /// Its address as the server sees it.
    pub ip: String,
    /// When it connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Subjects it subscribes to.
    pub subscriptions: Vec<String>,
    /// Messages it published.
    pub messages_in: u64,
    /// Messages it received.
    pub messages_out: u64,
}

/// The states of all components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Components {
    /// The operator.
    pub operator: ComponentReport,
    /// The broker.
    pub broker: BrokerReport,
    /// `MeshSync`.
    pub meshsync: ComponentReport,
    /// The server that receives from the broker.
    pub server: ComponentReport,
}

/// One workload of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// `Deployment` or `StatefulSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The component that it belongs to.
    pub component: Component,
    /// Ready and desired replicas, `1/1`.
    pub ready: String,
    /// Ready replicas.
    pub ready_replicas: i64,
    /// Desired replicas.
    pub desired_replicas: i64,
    /// The most important status: the worst of its pods.
    pub status: String,
    /// The restarts of all its pods.
    pub restarts: i32,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its pods.
    pub pods: Vec<PodReport>,
}

/// One pod of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PodReport {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// The waiting or terminated reason, or otherwise the phase.
    pub status: String,
    /// Ready containers and all containers, `2/2`.
    pub ready: String,
    /// The restarts of all its containers.
    pub restarts: i32,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its age at the time of observation, in seconds.
    #[serde(rename = "ageSeconds")]
    pub age_seconds: Option<i64>,
    /// The node it runs on.
    pub node: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// The image of the main container.
    pub image: Option<String>,
}

/// One Service of the broker or of Meshery Server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its in-cluster address.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// Its external addresses.
    pub external: Vec<String>,
    /// Its ports, `4222:31685/TCP`.
    pub ports: Vec<String>,
}
