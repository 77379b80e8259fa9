use k8s_openapi::api::core::v1::Service;

use crate::{
    diagnose::{
        rules::{
            broker::addresses::{set_service_type, unusable_balancer},
            prelude::*,
        },
        stack_view::Line,
    },
    facts::destination::{self, ADDRESS},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-endpoint-stale",
    title: "The Broker status contains an outdated address",
    explains: &["broker-external-unroutable", "meshsync-stale-env", "server-broker-unreachable"],
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
    if let Some(internal) = endpoint.internal.as_deref()
        && internal.starts_with(':')
        && context.line == Some(Line::Old)
    {
        return empty(context, stack::name(&broker.metadata), service, internal);
    }
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
    let draft = DIAGNOSIS
        .finding()
        .title("The Broker status contains an address that its Service does not have")
        .message("A server that uses this address does not reach the broker.")
        .object(context.object("Broker", broker_name))
        .evidences(stale);
    if unusable_balancer(context).is_some() {
        return draft
            .remedy(
                "change the type of the Service to NodePort; this operator cannot use the address of a load balancer",
            )
            .command(set_service_type(context, name, "NodePort"))
            .found();
    }
    draft
        .remedy(if context.facts.profile.has_current_line() {
            "restart the operator to recompute the address (operators 0.6.14 to 0.8.10 need an upgrade)"
        } else {
            "restart the operator to recompute the address"
        })
        .command(context.restart(Component::Operator))
        .found()
}

/// The operator of the old line takes also the address inside the cluster from the node port of the Service.
fn empty(context: &RuleContext<'_>, broker: &str, service: &Service, internal: &str) -> Judgement {
    let name = stack::name(&service.metadata);
    let pod = context.running_meshsync().and_then(|(pod, _)| pod.spec.as_ref());
    let address = pod.and_then(|pod| destination::variable(&pod.containers, ADDRESS));
    let uses_it = address.is_some_and(|address| address.starts_with(':'));
    let meshsync = context.meshsync_name();
    DIAGNOSIS
        .finding()
        .severity(if uses_it { Severity::Error } else { DIAGNOSIS.severity })
        .title("The Broker status contains no address")
        .message(
            "The operator needs a Service with a node port to determine the address. A MeshSync that it creates now \
             cannot connect to the broker.",
        )
        .object(context.object("Broker", broker))
        .evidence(format!("status.endpoint.internal is {internal}"))
        .evidence(format!("Service {name} is of type {}", stack::service_type(service)))
        .explains(uses_it.then(|| "meshsync-wrong-target".to_owned()))
        .remedy(if uses_it {
            "change the type of the Service to NodePort, restart the operator, which does not watch the Service, then \
             delete MeshSync's Deployment; the operator creates it again with the address"
        } else {
            "change the type of the Service to NodePort, then restart the operator, which does not watch the Service"
        })
        .command(set_service_type(context, name, "NodePort"))
        .command(context.restart(Component::Operator))
        .commands(uses_it.then(|| context.kubectl().delete(format!("deployment {meshsync}"))))
        .found()
}
