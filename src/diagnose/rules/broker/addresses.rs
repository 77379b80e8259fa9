//! The broker's addresses.

use semver::Version;
use serde_json::json;

use crate::{
    diagnose::{rules::prelude::*, stack_view::Line},
    stack::watch_list::release,
};

/// The releases of the old operator line whose test of a load balancer address always fails.
const FAILING_TEST: std::ops::RangeInclusive<Version> = Version::new(0, 6, 14)..=Version::new(0, 8, 10);

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

/// The broker's Service, if it has a load balancer address with which the operator fails every reconcile: the operator
/// tests the address before it uses it, and that test always fails.
pub(crate) fn unusable_balancer<'a>(context: &RuleContext<'a>) -> Option<(&'a str, String)> {
    if context.line != Some(Line::Old) {
        return None;
    }
    let tag = context.states().operator.report.version.as_deref();
    let is_known = tag.and_then(release).is_some_and(|release| FAILING_TEST.contains(&release));
    if context.facts.profile.has_current_line() && !is_known {
        return None;
    }
    let service = stack::broker_services(context.facts).into_iter().next()?;
    let address = stack::external_addresses(service).into_iter().next()?;
    Some((stack::name(&service.metadata), address))
}
