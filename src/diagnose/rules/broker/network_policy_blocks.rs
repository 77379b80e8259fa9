use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use crate::{
    diagnose::{
        network_policy::{Direction, Namespace, Policies, Port, Reach, RemoteEnd},
        rules::{
            broker::{network_path_broken, no_endpoints::pairs},
            preflight,
            prelude::*,
        },
    },
    facts::destination::{self, Place},
    stack::profile::Selector,
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "network-policy-blocks",
    title: "A NetworkPolicy blocks traffic between MeshSync and the broker",
    explains: &[
        "network-path-broken",
        "meshsync-not-connected",
        "meshsync-crash-loop",
        "meshsync-not-ready",
        "server-broker-unreachable",
    ],
    explanation: include_str!("network_policy_blocks.md"),
    cure: Cure::Person(because::OWNER),
    ..Diagnosis::fault(Component::Broker)
};

pub(crate) static NETWORK_POLICIES_OPEN: Check = Check {
    id: "network-policies-open",
    title: "no NetworkPolicy blocks traffic between MeshSync and the broker",
    ..Check::of(&[&DIAGNOSIS], policies_open)
};

pub(crate) static NETWORK_FREE: Check = Check {
    id: "network-free",
    title: "no NetworkPolicy would block traffic between the stack's pods",
    after: &[&API_REACHABLE],
    ..Check::of(&[&DIAGNOSIS], network_free)
};

/// The namespace of the cluster's DNS, by convention.
const DNS_NAMESPACE: &str = "kube-system";

/// Blocked traffic: what is blocked, in which direction, and by which policies.
struct Block {
    what: String,
    direction: Direction,
    policies: Vec<String>,
}

impl Block {
    fn of(what: String, reach: Reach) -> Option<Self> {
        match reach {
            Reach::Blocked { direction, policies } => Some(Self { what, direction, policies }),
            Reach::Open => None,
        }
    }
}

/// MeshSync's pod, and the traffic that policies block.
fn judged<'a>(context: &RuleContext<'a>) -> Result<(&'a Pod, Vec<Block>), Undecided> {
    let facts = context.facts;
    let policies = facts.networkpolicies.known_or_skip("this cluster does not serve NetworkPolicies")?;
    facts.pods.settled()?;
    // A terminating pod opens no new connections.
    let stays = |pod: &&&Pod| pod.metadata.deletion_timestamp.is_none();
    let Some(from) = context.meshsync_pods.iter().find(stays).copied() else {
        return Err(Undecided::Skip("MeshSync has no pod".into()));
    };
    let home = home(context);
    let policies = Policies::new(policies, &home);
    Ok((from, blocks(context, &policies, from)))
}

/// The namespace of the stack.
fn home(context: &RuleContext<'_>) -> Namespace {
    let labels = context.facts.namespace.known().map(|n| n.metadata.labels.clone().unwrap_or_default());
    Namespace::new(&context.facts.target.namespace, labels.as_ref())
}

/// The first traffic of MeshSync that a policy blocks; `None` if nothing is known to be blocked.
pub(crate) fn blocked(context: &RuleContext<'_>) -> Option<String> {
    let (_, blocks) = judged(context).ok()?;
    blocks.into_iter().next().map(|block| block.what)
}

fn policies_open(context: &RuleContext<'_>) -> Judgement {
    let policies = context.facts.networkpolicies.known();
    if policies.is_some_and(Vec::is_empty) {
        no_cni_policy(context)?;
        return Outcome::pass_with("no NetworkPolicy in this namespace");
    }
    let (from, blocks) = judged(context)?;
    if !blocks.is_empty() {
        return Outcome::found(vec![finding(context, from, &blocks)]);
    }
    if broker_pods(context).is_empty() {
        Outcome::skip("the broker has no pod in this namespace")
    } else {
        no_cni_policy(context)?;
        Outcome::pass()
    }
}

/// Ends the check as unknown if the network plugin has policies of its own, which are not evaluated, or may have some.
fn no_cni_policy(context: &RuleContext<'_>) -> Result<(), Undecided> {
    let policies = match &context.facts.cni_policies {
        Seen::Known(policies) => policies.as_slice(),
        // Recordings from before, and dumps, do not contain them.
        Seen::NotLooked | Seen::Absent => &[],
        other => return known_unless(other.why_unsettled()),
    };
    let Some(first) = policies.first() else {
        return Ok(());
    };
    let more = match policies.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Err(Undecided::Unknown(format!(
        "{} {}{more} may block it; meshdoctor evaluates only NetworkPolicies of Kubernetes",
        first.kind, first.name
    )))
}

fn blocks(context: &RuleContext<'_>, policies: &Policies<'_>, from: &Pod) -> Vec<Block> {
    let names = &context.facts.profile.broker;
    let mut blocks = Vec::new();
    let host = broker_host(from, context.facts.profile.meshsync.container);
    let broker = match &host {
        Some(host) if !may_be_broker_here(context, host) => Vec::new(),
        _ => broker_pods(context),
    };
    for to in broker {
        for number in [names.client_port, names.monitor_port] {
            let port = Port { protocol: "TCP", number };
            let what = format!("port {number} of {}", stack::name(&to.metadata));
            blocks.extend(Block::of(what, policies.between(from, to, port)));
        }
    }
    // An IP address needs no DNS.
    if host.is_some_and(|host| host.parse::<IpAddr>().is_err()) {
        let system = Namespace::new(DNS_NAMESPACE, None);
        let reach = ["UDP", "TCP"].map(|protocol| {
            let port = Port { protocol, number: 53 };
            policies.sends(from, &RemoteEnd::UnknownPodIn(&system), port)
        });
        // One of the two protocols is enough for short answers.
        if !reach.contains(&Reach::Open)
            && let [udp, _] = reach
        {
            blocks.extend(Block::of("port 53, the cluster's DNS".into(), udp));
        }
    }
    blocks
}

/// The broker pods that `MeshSync` should reach: those of the current line if both lines exist.
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

/// Whether an address may belong to the broker here.
fn may_be_broker_here(context: &RuleContext<'_>, host: &str) -> bool {
    match destination::place(context.facts, host) {
        Place::Stack | Place::Unseen(_) => true,
        Place::Service(_) => context.elsewhere().is_some(),
        Place::Namespace(_) | Place::Beyond | Place::Nowhere(_) => false,
    }
}

/// The broker's host in the environment of `MeshSync`'s pod.
fn broker_host(pod: &Pod, container: &str) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    let own = containers.iter().find(|c| c.name == container)?;
    let url = destination::variable(std::slice::from_ref(own), destination::ADDRESS)?;
    destination::host_and_port(url).map(|(host, _)| host)
}

fn finding(context: &RuleContext<'_>, from: &Pod, blocks: &[Block]) -> Finding {
    let connected = !context.clients.meshsync.is_empty();
    let (first, more) = blocks.split_first().map_or(("", 0), |(first, rest)| (first.what.as_str(), rest.len()));
    let policy = blocks.first().and_then(|block| block.policies.first()).map_or("", String::as_str);
    let title = match more {
        0 => format!("A NetworkPolicy blocks MeshSync from {first}"),
        n => format!("NetworkPolicies block MeshSync from {first} and {n} more"),
    };
    let tested: Vec<(u16, bool)> =
        [context.facts.profile.broker.client_port, context.facts.profile.broker.monitor_port]
            .into_iter()
            .filter_map(|port| Some((port, network_path_broken::reached(context, port)?)))
            .collect();
    let confirmed = tested.iter().any(|(_, reached)| !reached);
    let message = if confirmed {
        "The network test confirms it: a pod with MeshSync's labels got no connection. meshdoctor itself may reach the \
         broker, because port-forwards bypass policies."
    } else if connected {
        "MeshSync is still connected: it connected before the policy existed, or the cluster's network does not \
         enforce policies. If it does, MeshSync cannot reconnect after its next restart."
    } else {
        "MeshSync cannot connect, even if meshdoctor can: port-forwards bypass policies. This result comes from the \
         policies' rules; whether they are enforced depends on the cluster's network."
    };
    let is = |direction: Direction| blocks.iter().any(|block| block.direction == direction);
    let (egress, ingress) = (is(Direction::Egress), is(Direction::Ingress));
    let mut remedy = Vec::new();
    if ingress {
        remedy.push("allow ingress from MeshSync's pods to the broker's pods on both ports");
    }
    if egress {
        remedy.push("allow egress from MeshSync's pods to the broker's pods, to DNS and to the API server");
    }
    let labels = pairs(from.metadata.labels.as_ref()).join(", ");
    DIAGNOSIS
        .finding()
        .severity(if connected { Severity::Warning } else { Severity::Error })
        .title(title)
        .message(message)
        .object(context.object("NetworkPolicy", policy))
        .evidences(blocks.iter().map(|block| {
            let policies = block.policies.join(", ");
            format!("{}: blocked on {} by spec.podSelector and the rules of {policies}", block.what, block.direction)
        }))
        .evidences(tested.iter().map(|(port, reached)| {
            let did = if *reached { "reached" } else { "did not reach" };
            format!("network test: a pod with these labels {did} port {port}")
        }))
        .evidence(format!("labels of {}: {labels}", stack::name(&from.metadata)))
        .remedy(format!("{}. Policies are additive", remedy.join("; ")))
        .command(context.kubectl().inspect("get networkpolicies -o yaml"))
        .commands(if ingress { allow_ingress(context) } else { None })
        .done()
}

/// The command that allows ingress from MeshSync's pods to the broker's.
fn allow_ingress(context: &RuleContext<'_>) -> Option<Command> {
    let profile = context.facts.profile;
    let broker = broker_pods(context).first().copied()?;
    // The labels that identify the product's broker pods, if this pod has them.
    let selector = profile.broker.selectors.iter().find(|selector| stack::selected(&broker.metadata, selector))?;
    let name = format!("{}-clients", profile.broker_workload());
    let policy = serde_json::json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "namespace": context.facts.target.namespace },
        "spec": {
            "podSelector": { "matchLabels": labels(selector) },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{ "podSelector": { "matchLabels": labels(profile.meshsync.selector) } }],
                "ports": [
                    { "port": profile.broker.client_port },
                    { "port": profile.broker.monitor_port },
                ],
            }],
        },
    });
    let mut command = context.kubectl().change("apply -f -");
    command.run = format!("echo '{policy}' | {}", command.run);
    Some(command)
}

fn labels(selector: Selector) -> serde_json::Map<String, serde_json::Value> {
    selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
}

/// The usual ports of API servers: policies apply to the port behind the Service, and clusters differ. Only a policy
/// that blocks all of them is certain to block the right one.
const API_PORTS: [u16; 4] = [443, 6443, 8443, 16443];

fn network_free(context: &RuleContext<'_>) -> Judgement {
    let facts = context.facts;
    let policies = facts.networkpolicies.known_or_skip("this cluster does not serve NetworkPolicies")?;
    if policies.is_empty() {
        no_cni_policy(context)?;
        return Outcome::pass_with("no NetworkPolicy in this namespace");
    }
    let home = home(context);
    let policies = Policies::new(policies, &home);
    let pods = preflight::pods(context);
    let [(_, operator), (_, broker), (_, meshsync)] = pods.as_slice() else {
        return Outcome::skip("the stack has no pods");
    };
    let mut blocks = Vec::new();
    let system = Namespace::new("kube-system", None);
    for (name, pod) in [("operator", operator), ("MeshSync", meshsync)] {
        let reach = API_PORTS.map(|number| {
            let port = Port { protocol: "TCP", number };
            policies.sends(pod, &RemoteEnd::UnknownPodIn(&system), port)
        });
        if !reach.contains(&Reach::Open) {
            let [first, ..] = reach;
            blocks.extend(Block::of(format!("from the {name} to the API server"), first));
        }
    }
    // The operator sets the broker's IP address, so no DNS is needed.
    for number in [facts.profile.broker.client_port, facts.profile.broker.monitor_port] {
        let port = Port { protocol: "TCP", number };
        let reach = policies.between(meshsync, broker, port);
        blocks.extend(Block::of(format!("from MeshSync to port {number} of the broker"), reach));
    }
    let Some(first) = blocks.first() else {
        no_cni_policy(context)?;
        return Outcome::pass();
    };
    let policy = first.policies.first().map_or("", String::as_str);
    DIAGNOSIS
        .finding()
        .title("NetworkPolicies in this namespace would isolate the stack's pods")
        .message(
            "The pods would run but could not communicate. This result comes from the policies' rules; whether they \
             are enforced depends on the cluster's network.",
        )
        .object(context.object("NetworkPolicy", policy))
        .evidences(
            blocks.iter().map(|block| {
                format!("{}: blocked on {} by {}", block.what, block.direction, block.policies.join(", "))
            }),
        )
        .evidences(pods.iter().map(|(name, pod)| {
            format!("pods of {name} will have the labels {}", pairs(pod.metadata.labels.as_ref()).join(", "))
        }))
        .remedy(
            "allow these pods egress to the API server and each other, and ingress to the broker on both ports \
             (policies are additive)",
        )
        .command(context.kubectl().inspect("get networkpolicies -o yaml"))
        .found()
}
