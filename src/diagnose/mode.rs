//! The mode: how the cluster is supposed to be watched, and so which objects should exist.

use k8s_openapi::api::apps::v1::Deployment;

use super::stack_view::StackView;
use crate::facts::destination::{self, Destination, GivenBy};

/// How the cluster is supposed to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The operator creates broker and `MeshSync` from custom resources.
    Operator,
    /// The operator creates `MeshSync`, which publishes to a broker at a given address.
    CustomBroker,
    /// A self-managed Deployment runs `MeshSync`, without the operator and custom resources.
    Standalone,
    /// `MeshSync` runs inside Meshery Server, with nothing in the cluster.
    Embedded,
    /// The cluster contains no part of the stack, and no mode was given.
    None,
    /// Not enough is known.
    Unknown,
}

impl Mode {
    /// Its name in the report.
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
    /// Whether MeshSync is a self-managed Deployment, on purpose without the operator and custom resources.
    pub(crate) fn is_standalone(&self) -> bool {
        let own = |deployment: &Deployment| deployment.metadata.owner_references.is_none();
        self.meshsync.known().copied().is_some_and(own)
            && self.operator.is_absent()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled()
            && !self.has_custom_resource()
    }

    /// The mode, and how it was determined.
    pub(crate) fn mode(&self) -> (Mode, Option<String>) {
        if self.is_standalone() {
            let name = self.meshsync_name();
            return (Mode::Standalone, Some(format!("Deployment {name} belongs to no MeshSync CR")));
        }
        if let Some(destination) = self.elsewhere()
            && destination.given_by == GivenBy::Object
        {
            return (Mode::CustomBroker, Some(self.destination_setting(destination)));
        }
        if self.has_something() {
            return (Mode::Operator, None);
        }
        let seen = self.operator.is_absent()
            && self.statefulsets.is_settled()
            && self.brokers.is_settled()
            && self.meshsyncs.is_settled();
        match (seen, self.expect.embedded) {
            (true, true) => (Mode::Embedded, Some("set by --expect".into())),
            (true, false) => (Mode::None, None),
            (false, _) => (Mode::Unknown, None),
        }
    }

    /// The setting that makes `MeshSync` publish to a destination, as evidence.
    pub(crate) fn destination_setting(&self, destination: &Destination) -> String {
        let name = self.meshsync_name();
        match destination.given_by {
            GivenBy::Object => format!("spec.broker.custom.url of MeshSync {name} is {}", destination.address),
            GivenBy::Deployment => format!("Deployment {name}: {} is {}", destination::ADDRESS, destination.address),
        }
    }

    /// Whether a self-managed Deployment, and no CR, sets the address that `MeshSync` publishes to.
    pub(crate) fn has_deployment_address(&self) -> bool {
        self.destination.as_ref().is_some_and(|destination| destination.given_by == GivenBy::Deployment)
    }
}
