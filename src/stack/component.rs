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
}

impl Component {
    /// Every component, in the order of the data path.
    pub const ALL: [Self; 7] =
        [Self::Cluster, Self::Installation, Self::Operator, Self::Broker, Self::Meshsync, Self::Server, Self::Adapter];

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
        })
    }
}
