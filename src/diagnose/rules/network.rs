//! The rule about the `NetworkPolicies` between `MeshSync` and the broker.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use super::{Outcome, Patient, Rule, States};
use crate::{
    diagnose::{
        Draft,
        network_policy::{Direction, Far, Namespace, Policies, Port, Reach},
    },
    facts::{
        destination::{self, Place},
        stack,
    },
    report::{Effect, Severity},
    stack::{base::seen::Seen, component::Component::Broker},
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "network-policies-open",
    category: Broker,
    title: "no NetworkPolicy stands between MeshSync and the broker",
    codes: &["network-policy-blocks"],
    facts: &["networkpolicies"],
    after: &["installed"],
    judge: policies_open,
}];

/// The namespace of the cluster's DNS, by convention.
const DNS_NAMESPACE: &str = "kube-system";

/// One bar: what is barred, and where.
struct Bar {
    what: String,
    direction: Direction,
    policies: Vec<String>,
}

/// The pod of MeshSync, and what the policies bar it from.
fn judged<'a>(patient: &Patient<'a>) -> Result<(&'a Pod, Vec<Bar>), Outcome> {
    let facts = patient.facts;
    let Seen::Known(policies) = &facts.networkpolicies else {
        return Err(match facts.networkpolicies.why_unsettled() {
            Some(why) => Outcome::Unknown(why),
            None => Outcome::Skip("the cluster knows no NetworkPolicies".into()),
        });
    };
    if policies.is_empty() {
        return Err(Outcome::PassWith("the namespace has none".into()));
    }
    if let Some(why) = facts.pods.why_unsettled() {
        return Err(Outcome::Unknown(why));
    }
    // One that is going away asks for nothing more.
    let stays = |pod: &&&Pod| pod.metadata.deletion_timestamp.is_none();
    let Some(from) = patient.meshsync_pods.iter().find(stays).copied() else {
        return Err(Outcome::Skip("MeshSync has no pod".into()));
    };
    let labels = facts.namespace.known().map(|n| n.metadata.labels.clone());
    let home = Namespace::new(
        &facts.target.namespace,
        labels.map(Option::unwrap_or_default).as_ref(),
    );
    let policies = Policies::new(policies, &home);
    Ok((from, bars(patient, &policies, from)))
}

/// The first thing that a policy keeps MeshSync from; none when nothing does, as far as is known.
pub(super) fn barred(patient: &Patient<'_>) -> Option<String> {
    let (_, bars) = judged(patient).ok()?;
    bars.into_iter().next().map(|bar| bar.what)
}

fn policies_open(patient: &Patient<'_>, _: &States) -> Outcome {
    let (from, bars) = match judged(patient) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    if bars.is_empty() {
        return if broker_pods(patient).is_empty() {
            Outcome::Skip("the broker has no pod here".into())
        } else {
            Outcome::Pass
        };
    }
    Outcome::Found(vec![finding(patient, from, &bars)])
}

fn bars(patient: &Patient<'_>, policies: &Policies<'_>, from: &Pod) -> Vec<Bar> {
    let names = &patient.facts.profile.broker;
    let mut bars: Vec<Bar> = Vec::new();
    let mut add = |what: String, reach: Reach| {
        if let Reach::Barred {
            direction,
            policies,
        } = reach
        {
            bars.push(Bar {
                what,
                direction,
                policies,
            });
        }
    };
    let host = broker_host(from, patient.facts.profile.meshsync.container);
    let broker = match &host {
        Some(host) if !leads_here(patient, host) => Vec::new(),
        _ => broker_pods(patient),
    };
    for to in broker {
        for number in [names.client_port, names.monitor_port] {
            let port = Port {
                protocol: "TCP",
                number,
            };
            add(
                format!("port {number} of {}", stack::name(&to.metadata)),
                policies.between(from, to, port),
            );
        }
    }
    // An address that is no name needs no DNS.
    if host.is_some_and(|host| host.parse::<IpAddr>().is_err()) {
        let system = Namespace::new(DNS_NAMESPACE, None);
        let reach = ["UDP", "TCP"].map(|protocol| {
            let port = Port {
                protocol,
                number: 53,
            };
            policies.sends(from, &Far::Somebody(&system), port)
        });
        // One of the two is enough for short answers.
        if !reach.contains(&Reach::Open)
            && let [udp, _] = reach
        {
            add("port 53, the cluster's DNS".into(), udp);
        }
    }
    bars
}

/// The pods of the broker that `MeshSync` is to reach: those of the current line, where there are both.
fn broker_pods<'a>(patient: &Patient<'a>) -> Vec<&'a Pod> {
    if patient.elsewhere().is_some() {
        return patient.destination_pods.clone();
    }
    let of = |set: &str| -> Vec<&'a Pod> {
        let prefix = format!("{set}-");
        patient
            .broker_pods
            .iter()
            .copied()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .filter(|pod| stack::name(&pod.metadata).starts_with(&prefix))
            .collect()
    };
    patient
        .facts
        .profile
        .broker_workloads()
        .map(of)
        .find(|pods| !pods.is_empty())
        .unwrap_or_default()
}

/// Whether an address may be that of the broker here: anything but the address of something else.
fn leads_here(patient: &Patient<'_>, host: &str) -> bool {
    match destination::place(patient.facts, host) {
        Place::Stack | Place::Unseen(_) => true,
        Place::Service(_) => patient.elsewhere().is_some(),
        Place::Namespace(_) | Place::Beyond | Place::Nowhere(_) => false,
    }
}

/// The host of the broker as `MeshSync`'s pod was told it.
fn broker_host(pod: &Pod, container: &str) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    let own = containers.iter().find(|c| c.name == container)?;
    let url = destination::variable(std::slice::from_ref(own), destination::ADDRESS)?;
    destination::host_and_port(url).map(|(host, _)| host)
}

fn finding(patient: &Patient<'_>, from: &Pod, bars: &[Bar]) -> crate::report::Finding {
    let profile = patient.facts.profile;
    let connected = !patient.clients.meshsync.is_empty();
    let (first, more) = bars
        .split_first()
        .map_or(("", 0), |(first, rest)| (first.what.as_str(), rest.len()));
    let policy = bars
        .first()
        .and_then(|bar| bar.policies.first())
        .map_or("", String::as_str);
    let title = match more {
        0 => format!("A NetworkPolicy keeps MeshSync from {first}"),
        n => format!("NetworkPolicies keep MeshSync from {first} and {n} more"),
    };
    let message = if connected {
        "MeshSync is connected all the same: it was before the policy came, or the cluster's network does not enforce \
         policies. Where it does, MeshSync does not come back from its next restart."
    } else {
        "MeshSync cannot connect, though this tool may reach the broker: a port-forward goes past policies. This is read off \
         the policies; whether they are enforced depends on the cluster's network."
    };
    let mut draft = Draft::new("network-policy-blocks")
        .title(title)
        .message(message)
        .object(patient.object("NetworkPolicy", policy));
    if connected {
        draft = draft.severity(Severity::Warning);
    }
    for bar in bars {
        draft = draft.evidence(format!(
            "{}: barred as {} by spec.podSelector and the rules of {}",
            bar.what,
            bar.direction,
            bar.policies.join(", ")
        ));
    }
    let namespace = &patient.facts.target.namespace;
    let labels = |pod: &Pod| {
        pod.metadata
            .labels
            .iter()
            .flatten()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    draft = draft.evidence(format!(
        "labels of {}: {}",
        stack::name(&from.metadata),
        labels(from)
    ));
    let broker = broker_pods(patient);
    let egress = bars.iter().any(|bar| bar.direction == Direction::Egress);
    let ingress = bars.iter().any(|bar| bar.direction == Direction::Ingress);
    let mut remedy = Vec::new();
    if ingress {
        remedy.push("let MeshSync's pods in to the broker's, on both ports");
    }
    if egress {
        remedy.push("let MeshSync's pods out to the broker's and to DNS, and see that they may reach the API server");
    }
    draft = draft
        .remedy(format!(
            "{}. Policies add up: one more only opens",
            remedy.join("; ")
        ))
        .command(patient.kubectl(Effect::Read, "get networkpolicies -o yaml"));
    if ingress && let Some(selector) = selector_of(patient, broker.first().copied()) {
        let meshsync = pairs(profile.meshsync.selector);
        let name = format!(
            "{}-clients",
            profile.broker.current.unwrap_or(profile.broker.old)
        );
        let policy = serde_json::json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": name, "namespace": namespace },
            "spec": {
                "podSelector": { "matchLabels": selector },
                "policyTypes": ["Ingress"],
                "ingress": [{
                    "from": [{ "podSelector": { "matchLabels": meshsync } }],
                    "ports": [
                        { "port": profile.broker.client_port },
                        { "port": profile.broker.monitor_port },
                    ],
                }],
            },
        });
        let mut command = patient.kubectl(Effect::Write, "apply -f -");
        command.run = format!("echo '{policy}' | {}", command.run);
        draft = draft.command(command);
    }
    draft.done()
}

fn pairs(selector: crate::stack::profile::Selector) -> serde_json::Map<String, serde_json::Value> {
    selector
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect()
}

/// The labels by which the family's broker pods are known, as this pod bears them.
fn selector_of(
    patient: &Patient<'_>,
    pod: Option<&Pod>,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    let pod = pod?;
    patient
        .facts
        .profile
        .broker
        .selectors
        .iter()
        .find(|selector| stack::selected(&pod.metadata, selector))
        .map(|selector| pairs(selector))
}
