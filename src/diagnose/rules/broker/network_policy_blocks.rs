use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::{
        network_policy::{Direction, Far, Namespace, Policies, Port, Reach},
        rules::{cluster::unreachable, prelude::*},
    },
    facts::destination::{self, Place},
    stack::manifests,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "network-policy-blocks",
    title: "A NetworkPolicy stands between MeshSync and the broker",
    explains: &["meshsync-not-connected", "meshsync-crash-loop", "meshsync-not-ready"],
    explanation: include_str!("network_policy_blocks.md"),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static NETWORK_POLICIES_OPEN: Check = Check {
    id: "network-policies-open",
    title: "no NetworkPolicy stands between MeshSync and the broker",
    ..Check::of(&[&DIAGNOSIS], policies_open)
};

pub(crate) static NETWORK_FREE: Check = Check {
    id: "network-free",
    title: "no NetworkPolicy would stand between the stack's pods",
    after: &[&unreachable::CHECK],
    ..Check::of(&[&DIAGNOSIS], network_free)
};

/// The namespace of the cluster's DNS, by convention.
const DNS_NAMESPACE: &str = "kube-system";

/// One bar: what is barred, and where.
struct Bar {
    what: String,
    direction: Direction,
    policies: Vec<String>,
}

/// The pod of MeshSync, and what the policies bar it from.
fn judged<'a>(context: &RuleContext<'a>) -> Result<(&'a Pod, Vec<Bar>), Undecided> {
    let facts = context.facts;
    let Seen::Known(policies) = &facts.networkpolicies else {
        return Err(match facts.networkpolicies.why_unsettled() {
            Some(why) => Undecided::Unknown(why),
            None => Undecided::Skip("the cluster knows no NetworkPolicies".into()),
        });
    };
    if let Some(why) = facts.pods.why_unsettled() {
        return Err(Undecided::Unknown(why));
    }
    // One that is going away asks for nothing more.
    let stays = |pod: &&&Pod| pod.metadata.deletion_timestamp.is_none();
    let Some(from) = context.meshsync_pods.iter().find(stays).copied() else {
        return Err(Undecided::Skip("MeshSync has no pod".into()));
    };
    let labels = facts.namespace.known().map(|n| n.metadata.labels.clone());
    let home = Namespace::new(&facts.target.namespace, labels.map(Option::unwrap_or_default).as_ref());
    let policies = Policies::new(policies, &home);
    Ok((from, bars(context, &policies, from)))
}

/// The first thing that a policy keeps MeshSync from; none when nothing does, as far as is known.
pub(crate) fn barred(context: &RuleContext<'_>) -> Option<String> {
    let (_, bars) = judged(context).ok()?;
    bars.into_iter().next().map(|bar| bar.what)
}

fn policies_open(context: &RuleContext<'_>) -> Judgement {
    let policies = context.facts.networkpolicies.known();
    if policies.is_some_and(Vec::is_empty) {
        return Outcome::pass_with("the namespace has none");
    }
    let (from, bars) = judged(context)?;
    if bars.is_empty() {
        return if broker_pods(context).is_empty() {
            Outcome::skip("the broker has no pod here")
        } else {
            Outcome::pass()
        };
    }
    Outcome::found(vec![finding(context, from, &bars)])
}

fn bars(context: &RuleContext<'_>, policies: &Policies<'_>, from: &Pod) -> Vec<Bar> {
    let names = &context.facts.profile.broker;
    let mut bars: Vec<Bar> = Vec::new();
    let mut add = |what: String, reach: Reach| {
        if let Reach::Barred { direction, policies } = reach {
            bars.push(Bar { what, direction, policies });
        }
    };
    let host = broker_host(from, context.facts.profile.meshsync.container);
    let broker = match &host {
        Some(host) if !leads_here(context, host) => Vec::new(),
        _ => broker_pods(context),
    };
    for to in broker {
        for number in [names.client_port, names.monitor_port] {
            let port = Port { protocol: "TCP", number };
            add(format!("port {number} of {}", stack::name(&to.metadata)), policies.between(from, to, port));
        }
    }
    // An address that is no name needs no DNS.
    if host.is_some_and(|host| host.parse::<IpAddr>().is_err()) {
        let system = Namespace::new(DNS_NAMESPACE, None);
        let reach = ["UDP", "TCP"].map(|protocol| {
            let port = Port { protocol, number: 53 };
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
fn broker_pods<'a>(context: &RuleContext<'a>) -> Vec<&'a Pod> {
    if context.elsewhere().is_some() {
        return context.destination_pods.clone();
    }
    let of = |set: &str| -> Vec<&'a Pod> {
        let prefix = format!("{set}-");
        context
            .broker_pods
            .iter()
            .copied()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
            .filter(|pod| stack::name(&pod.metadata).starts_with(&prefix))
            .collect()
    };
    context.facts.profile.broker_workloads().map(of).find(|pods| !pods.is_empty()).unwrap_or_default()
}

/// Whether an address may be that of the broker here: anything but the address of something else.
fn leads_here(context: &RuleContext<'_>, host: &str) -> bool {
    match destination::place(context.facts, host) {
        Place::Stack | Place::Unseen(_) => true,
        Place::Service(_) => context.elsewhere().is_some(),
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

fn finding(context: &RuleContext<'_>, from: &Pod, bars: &[Bar]) -> Finding {
    let profile = context.facts.profile;
    let connected = !context.clients.meshsync.is_empty();
    let (first, more) = bars.split_first().map_or(("", 0), |(first, rest)| (first.what.as_str(), rest.len()));
    let policy = bars.first().and_then(|bar| bar.policies.first()).map_or("", String::as_str);
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
    let mut draft = DIAGNOSIS.finding().title(title).message(message).object(context.object("NetworkPolicy", policy));
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
    let namespace = &context.facts.target.namespace;
    let labels = |pod: &Pod| {
        pod.metadata.labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    draft = draft.evidence(format!("labels of {}: {}", stack::name(&from.metadata), labels(from)));
    let broker = broker_pods(context);
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
        .remedy(format!("{}. Policies add up: one more only opens", remedy.join("; ")))
        .command(context.kubectl().inspect("get networkpolicies -o yaml"));
    if ingress && let Some(selector) = selector_of(context, broker.first().copied()) {
        let meshsync = pairs(profile.meshsync.selector);
        let name = format!("{}-clients", profile.broker.current.unwrap_or(profile.broker.old));
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
        let mut command = context.kubectl().change("apply -f -");
        command.run = format!("echo '{policy}' | {}", command.run);
        draft = draft.command(command);
    }
    draft.done()
}

fn pairs(selector: crate::stack::profile::Selector) -> serde_json::Map<String, serde_json::Value> {
    selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
}

/// The labels by which the family's broker pods are known, as this pod bears them.
fn selector_of(context: &RuleContext<'_>, pod: Option<&Pod>) -> Option<serde_json::Map<String, serde_json::Value>> {
    let pod = pod?;
    context
        .facts
        .profile
        .broker
        .selectors
        .iter()
        .find(|selector| stack::selected(&pod.metadata, selector))
        .map(|selector| pairs(selector))
}

/// Ports on which API servers are reached: policies look behind the Service, and clusters differ. Only what bars all of
/// them is certain to bar the one that counts.
const API_PORTS: [u16; 4] = [443, 6443, 8443, 16443];

fn network_free(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let policies = match &facts.networkpolicies {
        Seen::Known(policies) if policies.is_empty() => {
            return Outcome::pass_with("the namespace has none");
        }
        Seen::Known(policies) => policies,
        Seen::Absent => return Outcome::skip("the cluster knows no NetworkPolicies"),
        other => return Outcome::unknown(other.why_unsettled().unwrap_or_default()),
    };
    let labels = facts.namespace.known().map(|n| n.metadata.labels.clone());
    let home = Namespace::new(&facts.target.namespace, labels.map(Option::unwrap_or_default).as_ref());
    let policies = Policies::new(policies, &home);
    let pods: Vec<_> =
        manifests::pods(facts.profile, &facts.target.namespace).iter().filter_map(manifests::typed).collect();
    let [operator, broker, meshsync] = pods.as_slice() else {
        return Outcome::skip("the stack has no pods");
    };
    let mut bars: Vec<(String, Direction, Vec<String>)> = Vec::new();
    let mut add = |what: &str, reach: Reach| {
        if let Reach::Barred { direction, policies } = reach {
            bars.push((what.to_owned(), direction, policies));
        }
    };
    let system = Namespace::new("kube-system", None);
    for (name, pod) in [("operator", operator), ("MeshSync", meshsync)] {
        let reach = API_PORTS.map(|number| {
            let port = Port { protocol: "TCP", number };
            policies.sends(pod, &Far::Somebody(&system), port)
        });
        if !reach.contains(&Reach::Open) {
            let [first, ..] = reach;
            add(&format!("from the {name} to the API server"), first);
        }
    }
    // By its address, as the operator tells it: no DNS is needed.
    for number in [facts.profile.broker.client_port, facts.profile.broker.monitor_port] {
        let port = Port { protocol: "TCP", number };
        let reach = policies.between(meshsync, broker, port);
        add(&format!("from MeshSync to port {number} of the broker"), reach);
    }
    let Some((_, _, first)) = bars.first() else {
        return Outcome::pass();
    };
    let policy = first.first().cloned().unwrap_or_default();
    DIAGNOSIS
        .finding()
        .title("NetworkPolicies of the namespace would cut the stack's pods off")
        .message(
            "The pods would run, and not work. This is read off the policies; whether they are enforced depends on \
                 the cluster's network.",
        )
        .object(context.object("NetworkPolicy", &policy))
        .evidences(
            bars.iter()
                .map(|(what, direction, policies)| format!("{what}: barred as {direction} by {}", policies.join(", "))),
        )
        .evidences([operator, broker, meshsync].map(|pod| {
            let labels: Vec<String> =
                pod.metadata.labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
            let name = stack::name(&pod.metadata).trim_end_matches("-preflight");
            format!("pods of {name} will bear {}", labels.join(", "))
        }))
        .remedy(
            "add a policy that lets these pods out to the API server and to one another, and the broker be reached on \
                 both ports; policies add up, one more only opens",
        )
        .command(context.kubectl().inspect("get networkpolicies -o yaml"))
        .found()
}
