//! Meshery Server's own view: our cluster's connection in it, its states, and how far they can be trusted.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::{Undecided, mode::ServerMode, stack_view::StackView, states::States};
use crate::{
    facts::server::{
        ApiGeneration, ClusterConnection, Controlled, ControllerView, Diagnostic, NamedBy, ServerFacts, ServerSession,
    },
    report::State,
};

/// How long after its connection to the broker the server may still be receiving its first data.
pub(crate) const FIRST_SYNC: SignedDuration = SignedDuration::from_mins(5);

/// How a state that the server shows relates to the proven one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// They are equal, or one of them is not known.
    Same,
    /// They differ, as they are known to do for this reason.
    Expected(&'static str),
    /// They differ.
    Differs,
}

impl<'a> StackView<'a> {
    /// What the server answered. The check is skipped if none was asked.
    pub(crate) fn server_facts(&self) -> Result<&'a ServerFacts, Undecided> {
        self.facts.server.as_deref().ok_or_else(|| Undecided::Skip("no server was asked".into()))
    }

    /// What the server answered. The check is skipped unless it accepted us.
    pub(crate) fn server_session(&self) -> Result<&'a ServerFacts, Undecided> {
        let server = self.server_facts()?;
        if server.has_session() {
            return Ok(server);
        }
        Err(match &server.session {
            ServerSession::Unknown(why) => {
                Undecided::Unknown(format!("whether the server accepts us is unknown: {why}"))
            }
            _ if server.unreachable.is_some() => Undecided::Skip("the server is unreachable".into()),
            ServerSession::NotAsked => Undecided::Unknown("the server was not asked for a session".into()),
            _ => Undecided::Skip("there is no session at the server".into()),
        })
    }

    /// The server's stored connection to this cluster. The check is skipped if there is none.
    pub(crate) fn server_connection(&self) -> Result<&'a ClusterConnection, Undecided> {
        let server = self.server_session()?;
        server.connections.known_or_skip("the server stores no connections")?;
        let cluster_id = self.facts.cluster_id.known_or_unknown()?;
        let found = server.connection_to(cluster_id);
        found.ok_or_else(|| Undecided::Skip("the server has no connection to this cluster".into()))
    }

    /// The same connection, if it is known.
    pub(crate) fn our_connection(&self) -> Option<&'a ClusterConnection> {
        self.server_connection().ok()
    }

    /// Whether the server works with its connection to this cluster. After a restart it does so only after somebody has
    /// used it. `None` if that is not known.
    pub(crate) fn server_is_active(&self) -> Option<bool> {
        self.server_session().ok()?.is_active()
    }

    /// The server's own diagnostic with this code.
    pub(crate) fn server_says(&self, code: &str) -> Option<&'a Diagnostic> {
        let server = self.facts.server.as_deref()?;
        server.diagnostics.items().iter().find(|diagnostic| diagnostic.code == code)
    }

    /// The server's view of a controller.
    pub(crate) fn server_view_of(&self, controller: Controlled) -> Option<&'a ControllerView> {
        let server = self.facts.server.as_deref()?;
        server.controllers.items().iter().find(|view| view.controller == controller)
    }

    /// Whether the server was named, and not only found in the cluster.
    pub(crate) fn server_is_named(&self) -> bool {
        self.facts.server.as_deref().is_some_and(|server| server.named_by != NamedBy::Service)
    }

    /// The mode that the connection to this cluster sets for itself. A connection that is not used sets none.
    pub(super) fn connection_mode(&self) -> Option<ServerMode> {
        let connection = self.our_connection().filter(|connection| connection.is_connected())?;
        let word = connection.mode.as_deref()?;
        let embedded = match word {
            "embedded" => true,
            "operator" => false,
            _ => return None,
        };
        let evidence = format!("the server's connection {} sets mode {word}", connection.name);
        Some(ServerMode { embedded, evidence })
    }

    /// Whether the server runs `MeshSync` itself for this cluster. `None` if the mode is not known. Servers with GraphQL
    /// use the operator unless something else is set.
    pub(crate) fn server_is_embedded(&self) -> Option<bool> {
        if let Some(mode) = self.server_mode() {
            return Some(mode.embedded);
        }
        let server = self.facts.server.as_deref()?;
        (server.generation.known() == Some(&ApiGeneration::Graphql)).then_some(false)
    }

    /// Whether the server itself is known to hold a connection to the broker.
    pub(crate) fn server_holds_link(&self) -> bool {
        let server = self.facts.server.as_deref();
        // GraphQL servers look for their own name at an address that they may not reach.
        let trusted = server.is_some_and(|server| {
            server.has_session()
                && matches!(server.generation.known(), Some(ApiGeneration::Controllers | ApiGeneration::Connections))
        });
        !self.clients.server.is_empty()
            || (trusted
                && self.server_is_active() == Some(true)
                && self.server_view_of(Controlled::Broker).is_some_and(|view| view.state() == State::Connected))
    }

    /// Since when the server has been receiving data: its newest connection to the broker, otherwise the last change of
    /// its connection to this cluster.
    pub(crate) fn server_receives_since(&self) -> Option<Timestamp> {
        let link = self.clients.server.iter().filter_map(|(_, client)| client.start).max();
        link.or_else(|| self.our_connection()?.updated)
    }

    /// Whether the server may still be receiving its first data.
    pub(crate) fn server_may_be_syncing(&self) -> bool {
        let young = self.server_receives_since().is_some_and(|since| self.clock() < since + FIRST_SYNC);
        let stored = self.facts.server.as_deref().and_then(|server| server.data.known());
        let grows =
            stored.is_some_and(|data| matches!((data.total, data.later), (Some(now), Some(later)) if later > now));
        young || grows
    }

    /// Compares what the server shows with a proven state.
    pub(crate) fn compared(&self, view: &ControllerView, states: &States) -> Comparison {
        let judgement = match view.controller {
            Controlled::Operator => &states.operator,
            Controlled::Broker => &states.broker,
            Controlled::Meshsync => &states.meshsync,
        };
        let ours = judgement.report.state;
        let theirs = view.state();
        if judgement.undetermined.is_some() || ours == State::Unknown || theirs == State::Unknown || ours == theirs {
            return Comparison::Same;
        }
        let graphql = self
            .facts
            .server
            .as_deref()
            .is_some_and(|server| server.generation.known() == Some(&ApiGeneration::Graphql));
        match (view.controller, theirs, ours) {
            (Controlled::Operator, State::Undeployed, State::NotDeployed)
            | (Controlled::Operator, State::NotDeployed, State::Undeployed) => Comparison::Same,
            (Controlled::Meshsync, State::Running, State::Connected)
            | (Controlled::Broker, State::Deployed, State::Connected)
                if graphql =>
            {
                Comparison::Expected(
                    "servers of this generation look for clients at the broker's external address only",
                )
            }
            (Controlled::Meshsync, State::Connected, State::Running | State::Deployed) if self.server_holds_link() => {
                Comparison::Expected("the server shows CONNECTED while it holds its own connection to the broker")
            }
            (Controlled::Meshsync, State::Running, State::Deployed) if !self.meshsync_pods.is_empty() => {
                Comparison::Expected("the server shows RUNNING for a pod whose container waits or restarts")
            }
            (_, State::Deploying, State::Deployed) | (_, State::Deployed, State::Deploying) if self.just_deployed() => {
                Comparison::Expected("the deployment ended less than a minute ago")
            }
            _ => Comparison::Differs,
        }
    }

    /// Whether a Deployment of the operator changed less than a minute ago.
    fn just_deployed(&self) -> bool {
        let conditions = self.operator.known().and_then(|operator| operator.status.as_ref()?.conditions.as_ref());
        let changes = conditions.into_iter().flatten();
        let changes = changes.filter_map(|condition| condition.last_update_time.as_ref());
        changes.map(|time| time.0).max().is_some_and(|last| self.clock() < last + SignedDuration::from_mins(1))
    }
}
