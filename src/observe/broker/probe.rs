//! Probes every broker server by every available route, without exposing the token.
//!
//! Through a port-forward, the API server guarantees which pod is reached. An address in a Service's status was written
//! by the cluster. An address in a custom resource's status may lead anywhere, so its answers count only if a broker
//! pod's own monitor reported the same server. The token is sent only to servers that were confirmed in this way.
//!
//! Another broker that `MeshSync` is configured to use belongs to others. It is queried only for its clients, as
//! `MeshSync` does before it connects, and never receives a token.

use std::collections::BTreeSet;

use futures_util::future::{Either, join_all, select};

pub(crate) use super::server::{Kept, Probe};
use super::{addresses::evaluate_external, server::Owner};
use crate::facts::{BrokerFacts, stack};

impl Probe<'_> {
    /// Probes every server.
    pub(crate) async fn run(&self) -> BrokerFacts {
        let own = stack::own_broker_pods(self.facts);
        let pods = stack::broker_pods(self.facts);
        let externals = self.externals();
        let through_pods = join_all(pods.iter().map(|pod| {
            let is_own = own.iter().any(|other| std::ptr::eq(*other, *pod));
            self.pod(pod, if is_own { Owner::Ours } else { Owner::Others })
        }));
        let through_addresses = join_all(externals.iter().map(|external| self.external(external)));
        let through_either = async {
            // The first answer wins. If every pod's server was reached, external addresses are not waited for.
            match select(through_pods, through_addresses).await {
                Either::Left((results, addresses)) => {
                    let all = !results.is_empty() && results.iter().all(|(server, _)| server.is_some());
                    let addresses = if all { Vec::new() } else { addresses.await };
                    (results, addresses)
                }
                Either::Right((addresses, pods)) => (pods.await, addresses),
            }
        };
        let ((pod_results, address_results), elsewhere) = tokio::join!(through_either, Box::pin(self.elsewhere()));
        let mut found = BrokerFacts { looked: true, ..BrokerFacts::default() };
        for (server, attempts) in pod_results {
            found.servers.extend(server);
            found.attempts.extend(attempts);
        }
        let known: BTreeSet<String> = found
            .servers
            .iter()
            // A greeting alone proves no identity.
            .filter(|server| server.monitor.is_none())
            .map(|server| server.varz.server_id.clone())
            .collect();
        for (external, result) in externals.iter().zip(address_results) {
            let (server, attempt) = evaluate_external(external, result, &known);
            found.servers.extend(server);
            found.attempts.push(attempt);
        }
        if let Some((server, attempt)) = elsewhere {
            found.servers.extend(server);
            found.attempts.push(attempt);
        }
        found
    }
}
