//! Asking the broker: every server, by every way there is, and carefully.
//!
//! Through a pod, the API server vouches for whom we reach. An address in a Service's status was written by the
//! cluster; one in a custom resource's status may lead anywhere, so what answers there counts for nothing unless a
//! broker pod's own monitor named the same server. The token goes to servers so named, and to no other.
//!
//! A broker that `MeshSync` is told to use in the place of the stack's own is somebody else's: it is asked who its clients
//! are, as `MeshSync` itself asks it before it connects, and never shown a token.

use std::collections::BTreeSet;

use futures_util::future::{Either, join_all, select};

pub(crate) use super::server::{Kept, Probe};
use super::{addresses::judge_external, server::Whose};
use crate::facts::{BrokerFacts, stack};

impl Probe<'_> {
    /// Asks every server.
    pub(crate) async fn run(&self) -> BrokerFacts {
        let own = stack::own_broker_pods(self.facts);
        let pods = stack::broker_pods(self.facts);
        let externals = self.externals();
        let through_pods = join_all(pods.iter().map(|pod| {
            let is_own = own.iter().any(|other| std::ptr::eq(*other, *pod));
            self.pod(pod, if is_own { Whose::Ours } else { Whose::Others })
        }));
        let through_addresses = join_all(externals.iter().map(|external| self.external(external)));
        let through_either = async {
            // The first answer wins: with every pod's server reached, no address is waited for.
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
            // A greeting is no more than a claim.
            .filter(|server| server.monitor.is_none())
            .map(|server| server.varz.server_id.clone())
            .collect();
        for (external, result) in externals.iter().zip(address_results) {
            let (server, attempt) = judge_external(external, result, &known);
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
