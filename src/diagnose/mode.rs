//! The mode: how the cluster is meant to be watched, and so what of the stack should exist.

use k8s_openapi::api::apps::v1::Deployment;

use super::stack_view::StackView;
use crate::facts::destination::{self, Destination, GivenBy};

/// How the cluster is meant to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The operator makes broker and `MeshSync` from custom resources.
    Operator,
    /// The operator makes `MeshSync`, which publishes to a broker by address.
    CustomBroker,
    /// Somebody's own Deployment runs `MeshSync`, without operator and custom resources.
    Standalone,
    /// `MeshSync` runs inside the server, and nothing is to be here.
    Embedded,
    /// Nothing is here, and nobody said what should be.
    None,
    /// Not enough was seen.
    Unknown,
}

impl Mode {
    /// As the report names it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::CustomBroker => "custom-broker",
            Self::Standalone => "standalone",
            Self::Embedded => "embedded",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

impl StackView<'_> {
    /// Whether MeshSync is somebody's own Deployment, without operator and custom resources, by intent.
    pub(crate) fn is_standalone(&self) -> bool {
        let own = |deployment: &Deployment| deployment.metadata.owner_references.is_none();
        self.meshsync.known().copied().is_some_and(own)
            && self.operator.is_absent()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled()
            && !self.has_custom_resource()
    }

    /// The mode, and how we know.
    pub(crate) fn mode(&self) -> (Mode, Option<String>) {
        if self.is_standalone() {
            let name = self.meshsync_name();
            return (Mode::Standalone, Some(format!("Deployment {name} belongs to no MeshSync object")));
        }
        if let Some(destination) = self.elsewhere()
            && destination.given_by == GivenBy::Object
        {
            return (Mode::CustomBroker, Some(self.told(destination)));
        }
        if self.has_something() {
            return (Mode::Operator, None);
        }
        let seen = self.operator.is_absent()
            && self.statefulsets.is_settled()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled();
        match (seen, self.expect.embedded) {
            (true, true) => (Mode::Embedded, Some("--expect says so".into())),
            (true, false) => (Mode::None, None),
            (false, _) => (Mode::Unknown, None),
        }
    }

    /// Who tells `MeshSync` to publish to a destination, as evidence.
    pub(crate) fn told(&self, destination: &Destination) -> String {
        let name = self.meshsync_name();
        match destination.given_by {
            GivenBy::Object => format!("spec.broker.custom.url of MeshSync {name} is {}", destination.address),
            GivenBy::Deployment => format!("Deployment {name}: {} is {}", destination::ADDRESS, destination.address),
        }
    }

    /// Whether a Deployment of somebody's own says where `MeshSync` publishes, and no object does.
    pub(crate) fn goes_by_deployment(&self) -> bool {
        self.destination.as_ref().is_some_and(|destination| destination.given_by == GivenBy::Deployment)
    }
}
