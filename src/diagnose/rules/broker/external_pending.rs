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
    if let Some(why) = context.facts.services.why_unsettled() {
        return Outcome::unknown(why);
    }
    // A server that has found another way does not need this one.
    let needed = matches!(context.server_location(), Location::Outside(_)) && context.clients.server.is_empty();
    let mut balancers = 0;
    let mut findings = Vec::new();
    for service in stack::broker_services(context.facts) {
        if stack::service_type(service) != "LoadBalancer" {
            continue;
        }
        balancers += 1;
        if !stack::external_addresses(service).is_empty() {
            continue;
        }
        let name = stack::name(&service.metadata);
        let broker = context.broker_name();
        findings.push(
            DIAGNOSIS.finding()
                .severity(if needed { Severity::Error } else { Severity::Warning })
                .title(format!("Service {name} waits for a load balancer that does not come"))
                .message("Nothing in this cluster gives out addresses, as on kind, minikube or bare metal. Inside the cluster the broker works all the same.")
                .object(context.object("Service", name))
                .evidence("spec.type is LoadBalancer, and status.loadBalancer has no address")
                .remedy("run what gives addresses (minikube tunnel, cloud-provider-kind, MetalLB), or do without: ClusterIP is enough for a server inside the cluster")
                .command(context.kubectl().patch(format!("broker/{broker}"), r#"{"spec":{"service":{"type":"ClusterIP"}}}"#))
                .done(),
        );
    }
    if balancers == 0 {
        return Outcome::skip("no load balancer was asked for");
    }
    Outcome::of(findings)
}
