//! The components with their states, and the workloads.

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::{ComponentReport, Route, ServerComponentReport, State};
use crate::stack::component::Component;

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
#[serde(untagged)]
pub enum Components {
    /// Operator, broker, `MeshSync` and server.
    Stack(Box<StackComponents>),
    /// Service Mesh Hub.
    Hub(Box<HubComponents>),
}

impl Components {
    /// Operator, broker, `MeshSync` and server. `None` for Service Mesh Hub.
    pub fn stack(&self) -> Option<&StackComponents> {
        match self {
            Self::Stack(components) => Some(components),
            Self::Hub(_) => None,
        }
    }

    /// Service Mesh Hub. `None` for the other products.
    pub fn hub(&self) -> Option<&HubComponents> {
        match self {
            Self::Hub(components) => Some(components),
            Self::Stack(_) => None,
        }
    }

    /// Each component with its state, in the order in which they are listed.
    pub fn each(&self) -> [(Component, &ComponentReport); 4] {
        match self {
            Self::Stack(it) => [
                (Component::Operator, &it.operator),
                (Component::Meshsync, &it.meshsync),
                (Component::Broker, &it.broker.component),
                (Component::Server, &it.server.component),
            ],
            Self::Hub(it) => [
                (Component::Discovery, &it.discovery),
                (Component::Networking, &it.networking),
                (Component::Policies, &it.policies.component),
                (Component::Agents, &it.agents),
            ],
        }
    }

    /// Whether `MeshSync` is connected to the broker.
    pub fn is_connected(&self) -> bool {
        self.stack().is_some_and(|components| components.meshsync.state == State::Connected)
    }
}

/// The states of Service Mesh Hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubComponents {
    /// The controller that finds meshes, workloads and services.
    pub discovery: ComponentReport,
    /// The controller that applies the policies to the meshes.
    pub networking: ComponentReport,
    /// What runs on the registered clusters: the lowest state of those that were looked at.
    pub agents: ComponentReport,
    /// The registered clusters.
    pub clusters: Vec<ClusterReport>,
    /// What users wrote.
    pub policies: PoliciesReport,
}

/// One registered cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterReport {
    /// The name with which it is registered. `None` if nothing in a cluster that was looked at tells.
    pub name: Option<String>,
    /// The context through which it was looked at. `None` if it was not.
    pub context: Option<String>,
    /// The state of its agent. `None` if it was not looked at.
    pub agent: Option<ComponentReport>,
    /// The meshes that were discovered in it.
    pub meshes: Vec<String>,
}

/// The state of the policies, and what they apply to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesReport {
    /// The worst state of all policies.
    #[serde(flatten)]
    pub component: ComponentReport,
    /// Every policy.
    pub objects: Vec<PolicyReport>,
    /// Every discovered service, with the policies that apply to it.
    pub targets: Vec<TargetOfPolicies>,
    /// The discovered meshes.
    pub meshes: Vec<String>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReport {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `ACCEPTED`, `PENDING`, `INVALID` or `FAILED`.
    pub state: State,
    /// The generation of its spec.
    pub generation: i64,
    /// The generation that the controller judged. `None` if its status has none.
    pub observed_generation: Option<i64>,
    /// The number of services to which it applies.
    pub targets: usize,
    /// The number of meshes to which it applies.
    pub meshes: usize,
}

/// One discovered service, with the policies that apply to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetOfPolicies {
    /// The service: `reviews.bookinfo`.
    pub service: String,
    /// The cluster.
    pub cluster: String,
    /// Its mesh.
    pub mesh: Option<String>,
    /// The name under which other meshes reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federated_hostname: Option<String>,
    /// The traffic policies that apply to it.
    pub traffic_policies: Vec<String>,
    /// The access policies that apply to it.
    pub access_policies: Vec<String>,
}

/// The states of operator, broker, `MeshSync` and server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StackComponents {
    /// The operator.
    pub operator: ComponentReport,
    /// The broker.
    pub broker: BrokerReport,
    /// `MeshSync`.
    pub meshsync: ComponentReport,
    /// The server that receives from the broker.
    pub server: ServerComponentReport,
}

impl StackComponents {
    /// The state of one of these components; that of the operator for any other.
    pub fn component(&self, component: Component) -> &ComponentReport {
        match component {
            Component::Broker => &self.broker.component,
            Component::Meshsync => &self.meshsync,
            Component::Server => &self.server.component,
            _ => &self.operator,
        }
    }
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
