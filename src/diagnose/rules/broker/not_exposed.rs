use crate::diagnose::{
    rules::{
        broker::addresses::{is_private, set_service_type},
        prelude::*,
    },
    stack_view::Location,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "broker-not-exposed",
    title: "The broker is reachable only inside the cluster",
    explains: &["broker-server-not-connected", "server-broker-unreachable"],
    explanation: include_str!("not_exposed.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::info(Component::Broker)
};

pub(crate) static CHECK: Check = Check {
    id: "broker-exposed",
    title: "a server outside the cluster can reach the broker",
    ..Check::of(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    facts.services.settled()?;
    context.brokers.settled()?;
    let Some(service) = stack::broker_services(facts).into_iter().next() else {
        return Outcome::skip("the broker has no Service");
    };
    let name = stack::name(&service.metadata);
    let kind = stack::service_type(service);
    let published = context.brokers.items().first().and_then(|broker| {
        let intended = broker.spec.service.as_ref().and_then(|service| service.external_endpoint_override.clone());
        let said = broker.status.endpoint.as_ref()?.external.clone();
        // For a Service without a node port, the old operator writes the port 0.
        intended.or(said).filter(|address| !address.is_empty() && !address.ends_with(":0"))
    });
    if kind != "ClusterIP" || published.is_some() {
        return Outcome::skip("the broker is exposed outside the cluster");
    }
    let outside = match context.server_location() {
        Location::Outside(why) => Some(why),
        Location::Inside(_) => return Outcome::skip("the server runs in this cluster"),
        Location::Unknown => outside_client(context),
    };
    let Some(why) = outside else {
        return Outcome::skip("no known server outside the cluster");
    };
    let product = facts.profile.product;
    let draft = DIAGNOSIS
        .finding()
        .object(context.object("Service", name))
        .evidence(format!("spec.type of Service {name} is {kind}"))
        .evidence("status.endpoint.external of the Broker contains no usable address")
        .evidence(format!("the server is outside the cluster: {why}"));
    if let Some((_, client)) = context.clients.server.first() {
        return draft
            .title(format!("The broker is not exposed, but {product} Server reaches it another way"))
            .message(
                "It is connected, for example through a port-forward or a network that routes pod addresses. This \
                 works as long as that route exists.",
            )
            .evidence(format!("the broker lists its client {} at {}", client.name, client.ip))
            .remedy("no action needed if that route is permanent")
            .found();
    }
    known_unless(context.unseen_clients())?;
    draft
        .severity(Severity::Error)
        .title(format!("{product} Server is outside the cluster and cannot reach the broker"))
        .message(
            "The broker is reachable only inside the cluster, and no server is connected. What MeshSync publishes is \
             lost.",
        )
        .evidence("no broker server lists the server as a client")
        .remedy("forward the port on the server's machine, or give the broker an external address")
        .command(
            context.kubectl().inspect(format!("port-forward service/{name} {0}:{0}", facts.profile.broker.client_port)),
        )
        .command(set_service_type(context, name, "LoadBalancer"))
        .found()
}

/// Why a connected server is considered outside: no pod or node can have its address.
fn outside_client(context: &RuleContext<'_>) -> Option<String> {
    if !context.facts.pods.is_settled() || !context.server.is_absent() {
        return None;
    }
    let (_, client) = context.clients.server.first()?;
    let address: std::net::IpAddr = client.ip.parse().ok()?;
    // A private address may belong to a pod of another namespace or a gateway, and loopback is a port-forward.
    let near = address.is_loopback()
        || is_private(&client.ip)
        || matches!(address, std::net::IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
        || matches!(address, std::net::IpAddr::V6(v6) if v6.is_unique_local())
        || context.facts.pods.items().iter().any(|pod| {
            let status = pod.status.as_ref();
            stack::pod_ip(pod) == Some(client.ip.as_str())
                || status.and_then(|status| status.host_ip.as_deref()) == Some(client.ip.as_str())
        });
    (!near).then(|| format!("its address {address} is public and belongs to no pod or node of this cluster"))
}
