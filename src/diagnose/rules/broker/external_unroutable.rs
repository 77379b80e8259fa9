use crate::diagnose::rules::{broker::addresses::is_private, prelude::*};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-external-unroutable",
    title: "The external address is unreachable",
    explains: &["server-broker-unreachable"],
    explanation: include_str!("external_unroutable.md"),
    cure: Cure::Person(because::OUTSIDE),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-external-routable",
    title: "the external address is reachable from outside",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let broker = context.broker_object()?;
    let address = broker.status.endpoint.as_ref().and_then(|endpoint| endpoint.external.as_deref()).unwrap_or_default();
    let Some((host, port)) = stack::host_and_port(address) else {
        return Outcome::skip("there is no external address");
    };
    let services = stack::broker_services(context.facts);
    let is_cluster_ip =
        services.iter().filter_map(|service| service.spec.as_ref()?.cluster_ip.as_deref()).any(|ip| ip == host);
    // An address that the cluster assigned is assumed to be correct.
    let given = services.iter().any(|service| stack::external_addresses(service).contains(&host));
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let node_port = services
        .iter()
        .flat_map(|service| service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()))
        .any(|p| p.node_port == Some(i32::from(port)));
    let why = if is_cluster_ip {
        "it is the Service's in-cluster address"
    } else if loopback && !given {
        "it is a loopback address, so on any other machine it points to that machine itself"
    } else if node_port && host.ends_with(".1") && is_private(&host) {
        "it looks like the address of the Service kubernetes, which does not listen on node ports"
    } else {
        return Outcome::pass();
    };
    DIAGNOSIS
        .finding()
        .title(format!("The external address {address} is not reachable from outside"))
        .message("A server outside the cluster cannot use this address.")
        .object(context.object("Broker", stack::name(&broker.metadata)))
        .evidence(format!("status.endpoint.external is {address}: {why}"))
        .remedy(if context.facts.profile.has_current_line() {
            "set spec.service.externalEndpointOverride to a reachable address; not needed for a server inside the \
             cluster"
        } else {
            "let the server use the address of a node and the Service's node port; not needed for a server inside the \
             cluster"
        })
        .found()
}
