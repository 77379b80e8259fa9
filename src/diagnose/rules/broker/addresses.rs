//! The broker's addresses.

use serde_json::json;

use crate::diagnose::{rules::prelude::*, stack_view::Line};

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

/// The command that sets the type of the broker's Service. Only the current operator sets it from the CR; the old one
/// publishes an address only of a node port.
pub(crate) fn set_service_type(context: &RuleContext<'_>, service: &str, kind: &str) -> Command {
    if context.line == Some(Line::Old) {
        let patch = json!({ "spec": { "type": "NodePort" } });
        return context.kubectl().change(format!("patch service {service} -p '{patch}'"));
    }
    let patch = json!({ "spec": { "service": { "type": kind } } });
    context.kubectl().patch(context.custom_resource("Broker", context.broker_name()), patch)
}
