//! Probes the broker at addresses outside its pods: those in a Service or a status, and the address of another broker
//! that `MeshSync` is configured to use.

use std::{collections::BTreeSet, time::Duration};

use tokio::sync::oneshot;

use super::{
    server::{Owner, Probe},
    wire::{BothReceived, settled},
};
use crate::{
    facts::{
        Attempt, BrokerServer, FailureReason, Handshake, NotTried, ProbeFailure,
        destination::{self, Destination, Place},
        stack,
    },
    report::Route,
};

/// The timeout for a broker elsewhere, which may be unreachable from here.
const ELSEWHERE_TIMEOUT: Duration = Duration::from_secs(2);

/// An address outside the pods that may belong to the broker.
pub(crate) struct External {
    host: String,
    client_port: u16,
    monitor_port: u16,
    /// Whether the address comes from the cluster itself, and not only from a custom resource's status.
    vouched: bool,
}

pub(crate) enum ExternalAnswer {
    Server(Box<BrokerServer>),
    /// The ID that the server sent in its greeting.
    Greeting(String),
}

impl Probe<'_> {
    /// The broker that `MeshSync` is configured to use, if none of its pods is in this namespace.
    pub(crate) async fn elsewhere(&self) -> Option<(Option<BrokerServer>, Attempt)> {
        let destination = destination::of(self.facts)?;
        if !matches!(destination.place, Place::Namespace(_) | Place::Beyond) {
            return None;
        }
        let barred = destination.only_inside().filter(|_| !self.facts.in_cluster);
        let result = match barred {
            Some(message) => Err(ProbeFailure::route_failed(FailureReason::Unreachable, message)),
            None => self.custom_address(&destination).await,
        };
        let (server, failure) = match result {
            Ok(server) => (Some(server), None),
            Err(failure) => (None, Some(failure)),
        };
        let attempt = Attempt { pod: None, route: Route::CustomAddress, address: Some(destination.shown()), failure };
        Some((server, attempt))
    }

    async fn custom_address(&self, to: &Destination) -> Result<BrokerServer, ProbeFailure> {
        let limit = self.limit().min(ELSEWHERE_TIMEOUT);
        let server = self.direct(Route::CustomAddress, Owner::Others, (&to.host, to.port), limit).await?;
        Ok(BrokerServer { address: Some(to.shown()), ..server })
    }

    /// Probes an address. A trusted one is queried for its clients, any other only for its identity. No token is sent.
    pub(crate) async fn external(&self, external: &External) -> Result<ExternalAnswer, ProbeFailure> {
        let received = BothReceived::default();
        let limit = self.limit();
        let greeting = self.direct_greeting(&external.host, external.client_port, limit, &received.client).await;
        // The address may be a load balancer whose ports lead to different servers.
        let proven = |failure, own| settled(failure, Route::ExternalAddress, own, false);
        let greeting = greeting.map_err(|failure| proven(failure, received.client.any()));
        if external.vouched {
            let (tell, _) = oneshot::channel();
            let limit = self.limit();
            let answer = self
                .direct_monitor(&external.host, external.monitor_port, limit, tell, &received.monitor)
                .await
                .map_err(|failure| proven(failure, received.monitor.any()))?;
            let said = greeting.as_ref().ok().map(|g| g.greeting().clone());
            let handshake = match greeting {
                Ok(greeted) if greeted.server_id() == answer.varz.server_id => {
                    Handshake::not_tried(NotTried::NotConfirmed)
                }
                Ok(_) => Handshake::not_tried(NotTried::OtherServer),
                Err(failure) => Handshake::Failed(failure),
            };
            return Ok(ExternalAnswer::Server(Box::new(BrokerServer {
                address: Some(external.host.clone()),
                handshake,
                greeting: said,
                ..answer.of_server(Route::ExternalAddress)
            })));
        }
        Ok(ExternalAnswer::Greeting(greeting?.server_id().to_owned()))
    }

    /// The external addresses that may belong to the broker.
    pub(crate) fn externals(&self) -> Vec<External> {
        let names = &self.facts.profile.broker;
        let mut externals: Vec<External> = Vec::new();
        for service in stack::broker_services(self.facts) {
            for host in stack::external_addresses(service) {
                externals.push(External {
                    host,
                    client_port: names.client_port,
                    monitor_port: names.monitor_port,
                    vouched: true,
                });
            }
        }
        for broker in stack::brokers(self.facts).items() {
            let intended =
                broker.spec.service.as_ref().and_then(|service| service.external_endpoint_override.as_deref());
            let said = broker.status.endpoint.as_ref().and_then(|endpoint| endpoint.external.as_deref());
            for (address, vouched) in [(intended, true), (said, false)] {
                let Some((host, port)) = address.and_then(stack::host_and_port) else {
                    continue;
                };
                if !externals.iter().any(|e| e.host == host && e.client_port == port) {
                    externals.push(External { host, client_port: port, monitor_port: names.monitor_port, vouched });
                }
            }
        }
        externals
    }
}

/// What an address proves, given the servers that broker pods reported.
pub(crate) fn evaluate_external(
    external: &External,
    result: Result<ExternalAnswer, ProbeFailure>,
    known: &BTreeSet<String>,
) -> (Option<BrokerServer>, Attempt) {
    let (server, failure) = match result {
        Ok(ExternalAnswer::Server(server)) if known.contains(&server.varz.server_id) => (None, None),
        Ok(ExternalAnswer::Server(server)) => (Some(*server), None),
        Ok(ExternalAnswer::Greeting(id)) if known.contains(&id) => (None, None),
        Ok(ExternalAnswer::Greeting(_)) if known.is_empty() => (
            None,
            Some(ProbeFailure::foreign_server(
                "a NATS server responds, but no broker pod could confirm that it belongs to this broker, so its responses \
                are ignored",
            )),
        ),
        Ok(ExternalAnswer::Greeting(_)) => (
            None,
            Some(ProbeFailure::foreign_server(
                "a NATS server responds, but belongs to no broker pod; no token was sent \
                                               to it",
            )),
        ),
        Err(failure) => (None, Some(failure)),
    };
    let attempt = Attempt {
        pod: None,
        route: Route::ExternalAddress,
        address: Some(format!("{}:{}", external.host, external.client_port)),
        failure,
    };
    (server, attempt)
}
