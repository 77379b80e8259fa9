//! Rules about the addresses at which the broker can be reached.

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{Draft, patient::Location},
    facts::stack,
    report::{Effect, Severity},
    stack::{base::seen::Seen, component::Component::Broker},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "broker-external-address",
        category: Broker,
        title: "a load balancer that was asked for has an address",
        codes: &["broker-external-pending"],
        facts: &["services"],
        after: &["installed"],
        judge: external_address,
    },
    Rule {
        id: "broker-exposed",
        category: Broker,
        title: "a server outside has a way to the broker",
        codes: &["broker-not-exposed"],
        facts: &["services", "broker"],
        after: &["installed"],
        judge: exposed,
    },
    Rule {
        id: "broker-endpoint-current",
        category: Broker,
        title: "the Broker's status gives the Service's address",
        codes: &["broker-endpoint-stale"],
        facts: &["services"],
        after: &["installed"],
        judge: endpoint_current,
    },
    Rule {
        id: "broker-external-routable",
        category: Broker,
        title: "the external address can lead somewhere",
        codes: &["broker-external-unroutable"],
        facts: &["services"],
        after: &["installed"],
        judge: external_routable,
    },
];

fn external_address(patient: &Patient<'_>, _: &States) -> Outcome {
    if let Some(why) = patient.facts.services.why_unsettled() {
        return Outcome::Unknown(why);
    }
    // A server that has found another way does not need this one.
    let needed = matches!(patient.server_location(), Location::Outside(_))
        && patient.clients.server.is_empty();
    let mut balancers = 0;
    let mut findings = Vec::new();
    for service in stack::broker_services(patient.facts) {
        let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
        if kind != Some("LoadBalancer") {
            continue;
        }
        balancers += 1;
        if !stack::external_addresses(service).is_empty() {
            continue;
        }
        let name = stack::name(&service.metadata);
        let broker = patient.broker_name();
        findings.push(
            Draft::new("broker-external-pending")
                .severity(if needed { Severity::Error } else { Severity::Warning })
                .title(format!("Service {name} waits for a load balancer that does not come"))
                .message("Nothing in this cluster gives out addresses, as on kind, minikube or bare metal. Inside the cluster the broker works all the same.")
                .object(patient.object("Service", name))
                .evidence("spec.type is LoadBalancer, and status.loadBalancer has no address")
                .remedy("run what gives addresses (minikube tunnel, cloud-provider-kind, MetalLB), or do without: ClusterIP is enough for a server inside the cluster")
                .command(patient.kubectl(
                    Effect::Write,
                    &format!(r#"patch broker/{broker} --type merge -p '{{"spec":{{"service":{{"type":"ClusterIP"}}}}}}'"#),
                ))
                .done(),
        );
    }
    if balancers == 0 {
        return Outcome::Skip("no load balancer was asked for".into());
    }
    Outcome::of(findings)
}

fn exposed(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    if let Some(why) = facts
        .services
        .why_unsettled()
        .or_else(|| patient.brokers.why_unsettled())
    {
        return Outcome::Unknown(why);
    }
    let Some(service) = stack::broker_services(facts).into_iter().next() else {
        return Outcome::Skip("the broker has no Service".into());
    };
    let name = stack::name(&service.metadata);
    let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
    let kind = kind.unwrap_or("ClusterIP");
    let published = patient.brokers.items().first().and_then(|broker| {
        let intended = broker
            .spec
            .service
            .as_ref()
            .and_then(|service| service.external_endpoint_override.clone());
        let said = broker.status.endpoint.as_ref()?.external.clone();
        intended.or(said).filter(|address| !address.is_empty())
    });
    if kind != "ClusterIP" || published.is_some() {
        return Outcome::Skip("it is open to the outside".into());
    }
    let outside = match patient.server_location() {
        Location::Outside(why) => Some(why),
        Location::Inside(_) => return Outcome::Skip("the server runs in this cluster".into()),
        Location::Unknown => outside_client(patient),
    };
    let Some(why) = outside else {
        return Outcome::Skip("no server outside is known of".into());
    };
    let product = facts.profile.product;
    let client = patient.clients.server.first();
    let mut draft = Draft::new("broker-not-exposed")
        .object(patient.object("Service", name))
        .evidence(format!("spec.type of Service {name} is {kind}"))
        .evidence("status.endpoint.external of the Broker is empty")
        .evidence(format!("the server is outside: {why}"));
    if let Some((_, client)) = client {
        draft = draft
            .title(format!(
                "The broker is open to nobody outside, and {product} Server has a way of its own"
            ))
            .message("It is connected all the same, as through a port-forward or a network that knows the pods' addresses. That is well while this way lasts.")
            .evidence(format!("the broker lists its client {} at {}", client.name, client.ip))
            .remedy("nothing, if that way is meant to stay");
        return Outcome::Found(vec![draft.done()]);
    }
    if let Some(why) = patient.unseen_clients() {
        return Outcome::Unknown(why);
    }
    let broker = patient.broker_name();
    Outcome::Found(vec![
        draft
            .severity(Severity::Error)
            .title(format!("{product} Server is outside and has no way to the broker"))
            .message("The broker can be reached only inside the cluster, and no server is connected: what MeshSync publishes is lost.")
            .evidence("no broker server lists the server as a client")
            .remedy("forward the port on the server's machine; or give the broker an address that leads to it from there")
            .command(patient.kubectl(
                Effect::Read,
                &format!("port-forward service/{name} {0}:{0}", facts.profile.broker.client_port),
            ))
            .command(patient.kubectl(
                Effect::Write,
                &format!(r#"patch broker/{broker} --type merge -p '{{"spec":{{"service":{{"type":"LoadBalancer"}}}}}}'"#),
            ))
            .done(),
    ])
}

/// Why a connected server is taken to be outside: its address is none that a pod or a node could have.
fn outside_client(patient: &Patient<'_>) -> Option<String> {
    if !patient.facts.pods.is_settled() || !patient.server.is_absent() {
        return None;
    }
    let (_, client) = patient.clients.server.first()?;
    let address: std::net::IpAddr = client.ip.parse().ok()?;
    // A private address may be a pod's of another namespace, or a gateway's, and loopback is a port-forward's.
    let near = address.is_loopback()
        || is_private(&client.ip)
        || matches!(address, std::net::IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
        || matches!(address, std::net::IpAddr::V6(v6) if v6.is_unique_local())
        || patient.facts.pods.items().iter().any(|pod| {
            let status = pod.status.as_ref();
            stack::pod_ip(pod) == Some(client.ip.as_str())
                || status.and_then(|status| status.host_ip.as_deref()) == Some(client.ip.as_str())
        });
    (!near).then(|| format!("its address {address} is a public one, no pod's and no node's here"))
}

fn endpoint_current(patient: &Patient<'_>, _: &States) -> Outcome {
    let (Seen::Known(_), Some(broker)) = (&patient.facts.services, patient.brokers.items().first())
    else {
        return match patient
            .facts
            .services
            .why_unsettled()
            .or_else(|| patient.brokers.why_unsettled())
        {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no Broker object".into()),
        };
    };
    let Some(service) = stack::broker_services(patient.facts).into_iter().next() else {
        return Outcome::Skip("the broker has no Service".into());
    };
    let endpoint = broker.status.endpoint.clone().unwrap_or_default();
    let overridden = broker
        .spec
        .service
        .as_ref()
        .is_some_and(|service| service.external_endpoint_override.is_some());
    let name = stack::name(&service.metadata);
    let mut stale = Vec::new();
    if let Some((host, _)) = endpoint.internal.as_deref().and_then(stack::host_and_port) {
        let cluster_ip = service
            .spec
            .as_ref()
            .and_then(|spec| spec.cluster_ip.clone())
            .unwrap_or_default();
        if host.parse::<std::net::IpAddr>().is_ok() && cluster_ip != "None" && host != cluster_ip {
            stale.push(format!(
                "status.endpoint.internal is {host}, Service {name} has {cluster_ip}"
            ));
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
        return Outcome::Pass;
    }
    let broker_name = stack::name(&broker.metadata);
    Outcome::Found(vec![
        Draft::new("broker-endpoint-stale")
            .title("The Broker's status gives an address that the Service does not have")
            .message("A server that takes the broker's address from there does not find it.")
            .object(patient.object("Broker", broker_name))
            .evidences(stale)
            .remedy("restart the operator, which works the address out anew; operators 0.6.14 to 0.8.10 need an upgrade for that")
            .command(patient.kubectl(
                Effect::Write,
                &format!("rollout restart deployment/{}", patient.facts.profile.operator.deployment),
            ))
            .done(),
    ])
}

fn external_routable(patient: &Patient<'_>, _: &States) -> Outcome {
    let Some(broker) = patient.brokers.items().first() else {
        return match patient.brokers.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("there is no Broker object".into()),
        };
    };
    let address = broker
        .status
        .endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.external.clone())
        .filter(|address| !address.is_empty());
    let Some((address, (host, port))) = address.and_then(|address| {
        let parts = stack::host_and_port(&address)?;
        Some((address, parts))
    }) else {
        return Outcome::Skip("there is no external address".into());
    };
    let services = stack::broker_services(patient.facts);
    let is_cluster_ip = services
        .iter()
        .filter_map(|service| service.spec.as_ref()?.cluster_ip.as_deref())
        .any(|ip| ip == host);
    // An address that the cluster itself gave out is taken for what it is.
    let given = services
        .iter()
        .any(|service| stack::external_addresses(service).contains(&host));
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    let node_port = services
        .iter()
        .flat_map(|service| {
            service
                .spec
                .iter()
                .flat_map(|spec| spec.ports.iter().flatten())
        })
        .any(|p| p.node_port == Some(i32::from(port)));
    let why = if is_cluster_ip {
        "it is the Service's address inside the cluster"
    } else if loopback && !given {
        "it is a loopback address: from anywhere else it leads to the asker itself"
    } else if node_port && host.ends_with(".1") && is_private(&host) {
        "it looks like the address of the Service kubernetes, which no node port listens on"
    } else {
        return Outcome::Pass;
    };
    Outcome::Found(vec![
        Draft::new("broker-external-unroutable")
            .title(format!("The external address {address} leads nowhere"))
            .message("A server outside the cluster cannot use it.")
            .object(patient.object("Broker", stack::name(&broker.metadata)))
            .evidence(format!("status.endpoint.external is {address}: {why}"))
            .remedy("set spec.service.externalEndpointOverride to an address that leads to the broker, or leave it: a server inside the cluster needs none")
            .done(),
    ])
}

fn is_private(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|ip| ip.is_private())
}
