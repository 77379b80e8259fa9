use crate::diagnose::{rules::prelude::*, stack_view::Location};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-external-pending",
    title: "The load balancer has no address yet",
    explanation: include_str!("external_pending.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-external-address",
    title: "every requested load balancer has an address",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.services.settled()?;
    // A server that is already connected does not need the load balancer.
    let needed = matches!(context.server_location(), Location::Outside(_)) && context.clients.server.is_empty();
    let mut balancers = stack::broker_services(context.facts);
    balancers.retain(|service| stack::service_type(service) == "LoadBalancer");
    if balancers.is_empty() {
        return Outcome::skip("no load balancer requested");
    }
    let pending = balancers.into_iter().filter(|service| stack::external_addresses(service).is_empty());
    let broker = context.broker_name();
    let findings = pending.map(|service| {
        let name = stack::name(&service.metadata);
        DIAGNOSIS
            .finding()
            .severity(if needed { Severity::Error } else { Severity::Warning })
            .title(format!("Service {name} is waiting for a load balancer address"))
            .message(
                "No load-balancer implementation assigns addresses in this cluster, as is usual on kind, minikube or \
                 bare metal. Inside the cluster the broker works.",
            )
            .object(context.object("Service", name))
            .evidence("spec.type is LoadBalancer, but status.loadBalancer has no address")
            .remedy(
                "install a load-balancer implementation, or use ClusterIP, which is enough for a server in this \
                 cluster",
            )
            .command(context.kubectl().patch(
                context.custom_resource("Broker", broker),
                json!({ "spec": { "service": { "type": "ClusterIP" } } }),
            ))
            .done()
    });
    Outcome::of(findings.collect())
}
