//! The broker's addresses.

use crate::diagnose::rules::prelude::*;

/// The Services that expose the broker outside the cluster, with their types.
pub(crate) fn exposed<'a>(context: &RuleContext<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    stack::broker_services(context.facts)
        .into_iter()
        .map(|service| (stack::name(&service.metadata), stack::service_type(service)))
        .filter(|(_, kind)| *kind != "ClusterIP")
}

pub(crate) fn is_private(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_private())
}
