//! Would the `NetworkPolicies` that are there let the stack's pods speak?

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{
        Draft,
        network_policy::{Direction, Far, Namespace, Policies, Port, Reach},
    },
    facts::stack,
    report::Effect,
    stack::{base::seen::Seen, component::Component::Broker, manifests},
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "network-free",
    category: Broker,
    title: "no NetworkPolicy would stand between the stack's pods",
    codes: &["network-policy-blocks"],
    facts: &["networkpolicies"],
    after: &["api-reachable"],
    judge: network_free,
}];

/// Ports on which API servers are reached: policies look behind the Service, and clusters differ. Only what bars all of
/// them is certain to bar the one that counts.
const API_PORTS: [u16; 4] = [443, 6443, 8443, 16443];

fn network_free(patient: &Patient<'_>, _: &States) -> Outcome {
    let facts = patient.facts;
    let policies = match &facts.networkpolicies {
        Seen::Known(policies) if policies.is_empty() => {
            return Outcome::PassWith("the namespace has none".into());
        }
        Seen::Known(policies) => policies,
        Seen::Absent => return Outcome::Skip("the cluster knows no NetworkPolicies".into()),
        other => return Outcome::Unknown(other.why_unsettled().unwrap_or_default()),
    };
    let labels = facts.namespace.known().map(|n| n.metadata.labels.clone());
    let home = Namespace::new(
        &facts.target.namespace,
        labels.map(Option::unwrap_or_default).as_ref(),
    );
    let policies = Policies::new(policies, &home);
    let pods: Vec<_> = manifests::pods(facts.profile, &facts.target.namespace)
        .iter()
        .filter_map(manifests::typed)
        .collect();
    let [operator, broker, meshsync] = pods.as_slice() else {
        return Outcome::Skip("the stack has no pods".into());
    };
    let mut bars: Vec<(String, Direction, Vec<String>)> = Vec::new();
    let mut add = |what: &str, reach: Reach| {
        if let Reach::Barred {
            direction,
            policies,
        } = reach
        {
            bars.push((what.to_owned(), direction, policies));
        }
    };
    let system = Namespace::new("kube-system", None);
    for (name, pod) in [("operator", operator), ("MeshSync", meshsync)] {
        let reach = API_PORTS.map(|number| {
            let port = Port {
                protocol: "TCP",
                number,
            };
            policies.sends(pod, &Far::Somebody(&system), port)
        });
        if !reach.contains(&Reach::Open) {
            let [first, ..] = reach;
            add(&format!("from the {name} to the API server"), first);
        }
    }
    // By its address, as the operator tells it: no DNS is needed.
    for number in [
        facts.profile.broker.client_port,
        facts.profile.broker.monitor_port,
    ] {
        let port = Port {
            protocol: "TCP",
            number,
        };
        let reach = policies.between(meshsync, broker, port);
        add(
            &format!("from MeshSync to port {number} of the broker"),
            reach,
        );
    }
    let Some((_, _, first)) = bars.first() else {
        return Outcome::Pass;
    };
    let policy = first.first().cloned().unwrap_or_default();
    Outcome::Found(vec![
        Draft::new("network-policy-blocks")
            .title("NetworkPolicies of the namespace would cut the stack's pods off")
            .message(
                "The pods would run, and not work. This is read off the policies; whether they are enforced depends on \
                 the cluster's network.",
            )
            .object(patient.object("NetworkPolicy", &policy))
            .evidences(bars.iter().map(|(what, direction, policies)| {
                format!("{what}: barred as {direction} by {}", policies.join(", "))
            }))
            .evidences([operator, broker, meshsync].map(|pod| {
                let labels: Vec<String> = pod
                    .metadata
                    .labels
                    .iter()
                    .flatten()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let name = stack::name(&pod.metadata).trim_end_matches("-preflight");
                format!("pods of {name} will bear {}", labels.join(", "))
            }))
            .remedy(
                "add a policy that lets these pods out to the API server and to one another, and the broker be reached on \
                 both ports; policies add up, one more only opens",
            )
            .command(patient.kubectl(Effect::Read, "get networkpolicies -o yaml"))
            .done(),
    ])
}
