use crate::diagnose::{rules::prelude::*, stack_view::Location};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-external-pending",
    title: "The load balancer has no address yet",
    explanation: include_str!("external_pending.md"),
    ..Diagnosis::warning(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-external-address",
    title: "a load balancer that was asked for has an address",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    context.facts.services.settled()?;
    // A server that has found another way does not need this one.
    let needed = matches!(context.server_location(), Location::Outside(_)) && context.clients.server.is_empty();
    let mut balancers = stack::broker_services(context.facts);
    balancers.retain(|service| stack::service_type(service) == "LoadBalancer");
    if balancers.is_empty() {
        return Outcome::skip("no load balancer was asked for");
    }
    let pending = balancers.into_iter().filter(|service| stack::external_addresses(service).is_empty());
    let broker = context.broker_name();
    let findings = pending.map(|service| {
        let name = stack::name(&service.metadata);
            DIAGNOSIS.finding()
                .severity(if needed { Severity::Error } else { Severity::Warning })
                .title(format!("Service {name} waits for a load balancer that does not come"))
                .message("Nothing in this cluster gives out addresses, as on kind, minikube or bare metal. Inside the cluster the broker works all the same.")
                .object(context.object("Service", name))
                .evidence("spec.type is LoadBalancer, and status.loadBalancer has no address")
                .remedy("run what gives addresses (minikube tunnel, cloud-provider-kind, MetalLB), or do without: ClusterIP is enough for a server inside the cluster")
                .command(context.kubectl().patch(format!("broker/{broker}"), r#"{"spec":{"service":{"type":"ClusterIP"}}}"#))
                .done()
    });
    Outcome::of(findings.collect())
}
