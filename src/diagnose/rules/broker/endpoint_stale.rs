use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-endpoint-stale",
    title: "The Broker status contains an outdated address",
    explains: &["broker-external-unroutable", "meshsync-stale-env"],
    explanation: include_str!("endpoint_stale.md"),
    cure: Cure::Person(because::LOG),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-endpoint-current",
    title: "the Broker status contains the Service's address",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.services.known_or_skip("there is no Broker CR")?;
    let broker = context.broker_object()?;
    let Some(service) = stack::broker_services(context.facts).into_iter().next() else {
        return Outcome::skip("the broker has no Service");
    };
    let endpoint = broker.status.endpoint.clone().unwrap_or_default();
    let overridden = broker.spec.service.as_ref().is_some_and(|service| service.external_endpoint_override.is_some());
    let name = stack::name(&service.metadata);
    let mut stale = Vec::new();
    if let Some((host, _)) = endpoint.internal.as_deref().and_then(stack::host_and_port) {
        let cluster_ip = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone()).unwrap_or_default();
        if host.parse::<std::net::IpAddr>().is_ok() && cluster_ip != "None" && host != cluster_ip {
            stale.push(format!("status.endpoint.internal is {host}, Service {name} has {cluster_ip}"));
        }
    }
    if let Some((host, _)) = endpoint.external.as_deref().and_then(stack::host_and_port) {
        let addresses = stack::external_addresses(service);
        if !overridden && !addresses.is_empty() && !addresses.contains(&host) {
            stale.push(format!(
                "status.endpoint.external is {}, Service {name} has {}",
                endpoint.external.as_deref().unwrap_or_default(),
                addresses.join(", ")
            ));
        }
    }
    if stale.is_empty() {
        return Outcome::pass();
    }
    let broker_name = stack::name(&broker.metadata);
    DIAGNOSIS
        .finding()
        .title("The Broker status contains an address that its Service does not have")
        .message("A server that uses this address does not reach the broker.")
        .object(context.object("Broker", broker_name))
        .evidences(stale)
        .remedy(if context.facts.profile.has_current_line() {
            "restart the operator to recompute the address (operators 0.6.14 to 0.8.10 need an upgrade)"
        } else {
            "restart the operator to recompute the address; it uses no address of a load balancer"
        })
        .command(context.restart(Component::Operator))
        .found()
}
