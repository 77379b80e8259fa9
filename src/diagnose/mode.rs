//! The mode: how the cluster is supposed to be watched, and so which objects should exist.

use k8s_openapi::api::apps::v1::Deployment;

use super::{rollout, stack_view::StackView};
use crate::facts::{
    destination::{self, Destination, GivenBy},
    stack,
};

/// The server's variable for the mode of connections that have none of their own.
const DEFAULT_MODE: &str = "MESHSYNC_DEFAULT_DEPLOYMENT_MODE";

/// The server's variable that forbids the operator.
const FORBIDS_OPERATOR: &str = "DISABLE_OPERATOR";

/// The mode that the server is configured for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerMode {
    /// Whether MeshSync runs inside the server.
    pub(crate) embedded: bool,
    /// The setting.
    pub(crate) evidence: String,
}

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

impl<'a> StackView<'a> {
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
        if !seen {
            return (Mode::Unknown, None);
        }
        if self.expect.embedded {
            return (Mode::Embedded, Some("set by --expect".into()));
        }
        match self.server_mode() {
            Some(ServerMode { embedded: true, evidence }) if !self.expect.operator => (Mode::Embedded, Some(evidence)),
            _ => (Mode::None, None),
        }
    }

    /// Whether the server's own configuration proves that nothing of the stack is needed.
    pub(crate) fn is_embedded_by_server(&self) -> bool {
        !self.expect.embedded
            && self.mode().0 == Mode::Embedded
            && self.server_mode().is_some_and(|server| server.embedded)
    }

    /// The mode that the server is set to, according to its connection to this cluster, otherwise to the environment of
    /// its Deployment. Forbidding the operator outweighs both. A variable that is absent or comes from elsewhere proves
    /// nothing, because each connection may have a mode of its own.
    pub(crate) fn server_mode(&self) -> Option<ServerMode> {
        let forbidden = self.operator_forbidden().map(|evidence| ServerMode { embedded: true, evidence });
        forbidden.or_else(|| self.asked_mode())
    }

    /// The mode that the server is asked for, whether or not the operator is forbidden.
    pub(crate) fn asked_mode(&self) -> Option<ServerMode> {
        self.connection_mode().or_else(|| {
            let word = self.server_variable(DEFAULT_MODE)?;
            let embedded = match word {
                "embedded" => true,
                "operator" => false,
                _ => return None,
            };
            Some(ServerMode { embedded, evidence: self.server_sets(DEFAULT_MODE, word) })
        })
    }

    /// The setting that forbids the operator, as evidence. `None` if it is not known to be set.
    pub(crate) fn operator_forbidden(&self) -> Option<String> {
        let word = self.server_variable(FORBIDS_OPERATOR)?;
        matches!(word, "1" | "t" | "T" | "true" | "TRUE" | "True").then(|| self.server_sets(FORBIDS_OPERATOR, word))
    }

    /// The literal value of a variable of the server's Deployment.
    fn server_variable(&self, variable: &str) -> Option<&'a str> {
        let containers = rollout::containers(self.server.known()?).iter();
        let mut all = containers.flat_map(|container| container.env.iter().flatten());
        // The last of several definitions is in effect.
        all.rfind(|entry| entry.name == variable)?.value.as_deref()
    }

    fn server_sets(&self, variable: &str, value: &str) -> String {
        let name = self.server.known().map_or(self.facts.profile.server.deployment, |it| stack::name(&it.metadata));
        format!("Deployment {name}: {variable} is {value}")
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
