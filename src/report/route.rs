//! The route by which a broker server was reached.

use serde::{Deserialize, Serialize};

/// A route to a broker server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// The pod's own address, if we run in the cluster.
    PodAddress,
    /// A port-forward through the API server.
    PortForward,
    /// The address of a load balancer, or of a node with its node port.
    ExternalAddress,
    /// The address that `MeshSync` is configured to publish to, if it is not a broker of this stack.
    CustomAddress,
    /// A file in a recording.
    #[default]
    Recording,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PodAddress => "pod address",
            Self::PortForward => "port-forward",
            Self::ExternalAddress => "external address",
            Self::CustomAddress => "custom address",
            Self::Recording => "recording",
        })
    }
}
