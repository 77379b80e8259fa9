//! The components that findings refer to.

use std::borrow::Cow;

use serde::Serialize;

use super::profile::Profile;

/// What a finding is about, in the order of the data path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// The API server and our access to it.
    Cluster,
    /// Namespace, CRDs and leftovers, which the stack depends on.
    Installation,
    /// The operator.
    Operator,
    /// The broker.
    Broker,
    /// `MeshSync`.
    Meshsync,
    /// The server that receives from the broker.
    Server,
    /// The server's adapters, one for each service mesh.
    Adapter,
    /// Service Mesh Hub: the controller that finds meshes, workloads and services.
    Discovery,
    /// Service Mesh Hub: the controller that applies the policies to the meshes.
    Networking,
    /// Service Mesh Hub: what runs on the registered clusters.
    Agents,
    /// Service Mesh Hub: what users write.
    Policies,
}

impl Component {
    /// Every component, in the order of the data path.
    pub const ALL: [Self; 11] = [
        Self::Cluster,
        Self::Installation,
        Self::Operator,
        Self::Broker,
        Self::Meshsync,
        Self::Server,
        Self::Adapter,
        Self::Discovery,
        Self::Networking,
        Self::Agents,
        Self::Policies,
    ];

    /// The name in codes: `meshsync-crash-loop`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Installation => "installation",
            Self::Operator => "operator",
            Self::Broker => "broker",
            Self::Meshsync => "meshsync",
            Self::Server => "server",
            Self::Adapter => "adapter",
            Self::Discovery => "discovery",
            Self::Networking => "networking",
            Self::Agents => "agents",
            Self::Policies => "policies",
        }
    }

    /// The name in text, for stacks of a profile.
    pub fn title(self, profile: &Profile) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Cluster => "Kubernetes",
            Self::Installation => "Installation",
            Self::Operator => "Operator",
            Self::Broker => "Broker",
            Self::Meshsync => "MeshSync",
            Self::Server => return Cow::Owned(format!("{} Server", profile.product)),
            Self::Adapter => "Adapter",
            Self::Discovery => "Discovery",
            Self::Networking => "Networking",
            Self::Agents => "Agents",
            Self::Policies => "Policies",
        })
    }
}
