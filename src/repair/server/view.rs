//! What every plan for Meshery Server needs to know first.

use crate::{
    facts::{
        Facts,
        server::{ApiGeneration, ClusterConnection, ServerFacts, ServerSession},
    },
    repair::{
        operation::{ConnectionRef, Operation},
        plan::{Advice, Plan, Refusal, ServerRef, Step},
    },
    stack::component::Component,
};

/// A server that accepts us.
#[derive(Clone, Copy, Debug)]
pub struct ServerView<'a> {
    /// Everything that was seen.
    pub facts: &'a Facts,
    /// What it answered.
    pub server: &'a ServerFacts,
}

impl<'a> ServerView<'a> {
    /// The server of these facts.
    ///
    /// # Errors
    ///
    /// If there is none, if it does not answer, or if it does not accept us. Nothing was changed then.
    pub fn of(facts: &'a Facts) -> Result<Self, Refusal> {
        let name = Component::Server.title(facts.profile);
        let undetermined = |why: String| Refusal { undetermined: true, ..Refusal::new(why, []) };
        if let Some(obstacle) = &facts.obstacle {
            return Err(undetermined(obstacle.message.clone()));
        }
        let Some(server) = facts.server.as_deref() else {
            let why = format!("no {name} was named, and none was found in namespace \"{}\"", facts.target.namespace);
            return Err(Refusal::new(why, ["name it with --meshery-server URL or --meshery-context NAME".into()]));
        };
        let address = &server.address;
        if let Some(unreachable) = &server.unreachable {
            let why = format!("{name} at {address} was not reached: {}", unreachable.message);
            return Err(Refusal { instead: vec![Advice::command("test server")], ..undetermined(why) });
        }
        if server.has_session() {
            return Ok(Self { facts, server });
        }
        let login = || Advice::Text(format!("log in with `{}ctl system login`", facts.profile.name));
        Err(match &server.session {
            ServerSession::NoToken => {
                let why = match &server.token_withheld {
                    Some(withheld) => {
                        format!("{name} at {address} wants a login, and no token was sent, because {withheld}")
                    }
                    None => format!("{name} at {address} wants a login, and no token is known"),
                };
                Refusal::new(why, [login(), "name the context of the token with --meshery-context NAME".into()])
            }
            ServerSession::Expired => Refusal::new(format!("{name} at {address}: the token has expired"), [login()]),
            ServerSession::Rejected(how) => {
                Refusal::new(format!("{name} at {address} did not accept the session ({how})"), [login()])
            }
            ServerSession::ProviderDown => {
                undetermined(format!("{name} at {address} cannot reach the provider of its logins"))
            }
            ServerSession::Unknown(why) => {
                undetermined(format!("{name} at {address} did not say whether it accepts the session: {why}"))
            }
            _ => undetermined(format!("{name} at {address} was not asked for a session")),
        })
    }

    /// The server as messages name it: `Meshery Server at http://localhost:9081`.
    pub fn name(&self) -> String {
        format!("{} at {}", Component::Server.title(self.facts.profile), self.server.address)
    }

    /// A plan of these operations.
    pub fn plan(&self, operations: impl IntoIterator<Item = Operation>) -> Plan {
        let address = &self.server.address;
        Plan {
            steps: operations.into_iter().map(|operation| Step::in_server(address, operation)).collect(),
            server: Some(ServerRef { name: self.name(), address: address.clone() }),
            ..Plan::default()
        }
    }

    /// The server's connection to this cluster.
    ///
    /// # Errors
    ///
    /// If it has none, or if that is not known.
    pub fn connection(&self) -> Result<&'a ClusterConnection, Refusal> {
        let unknown = |what: &str, why: Option<String>| {
            let why = why.unwrap_or_else(|| "there was no answer".into());
            Refusal { undetermined: true, ..Refusal::new(format!("{what}: {why}"), []) }
        };
        if self.server.connections.known().is_none() {
            let why = self.server.connections.why_unsettled();
            return Err(unknown("the connections of the server could not be read", why));
        }
        let Some(cluster_id) = self.facts.cluster_id.known() else {
            let why = self.facts.cluster_id.why_unsettled();
            return Err(unknown("the cluster's ID, the UID of namespace kube-system, is not known", why));
        };
        self.server.connection_to(cluster_id).ok_or_else(|| {
            Refusal::new(
                format!("{} has no connection to this cluster", self.name()),
                [Advice::command("server contexts rediscover"), Advice::command("server contexts upload FILE")],
            )
        })
    }

    /// The server's connection to this cluster, if it can be changed: servers take another connection for an ID that is
    /// no UUID.
    ///
    /// # Errors
    ///
    /// As [`Self::connection`], or if its ID is no UUID.
    pub fn changeable(&self) -> Result<ConnectionRef, Refusal> {
        let connection = ConnectionRef::from(self.connection()?);
        if connection.uuid().is_some() {
            return Ok(connection);
        }
        let why = format!("the ID \"{}\" of the server's connection to this cluster is not a UUID", connection.id);
        Err(Refusal::new(why, [Advice::command("server status")]))
    }

    /// The generation of the server's API about controllers. `None` if it is not known, or if it has none.
    pub fn generation(&self) -> Option<ApiGeneration> {
        self.server.generation.known().copied()
    }
}
