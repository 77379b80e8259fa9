//! Evaluates the `NetworkPolicies` of a namespace as Kubernetes defines them. Pure.
//!
//! No library evaluates policies over observed objects and distinguishes "blocked" from "unknown".
//!
//! A pod that no policy selects can receive and send everything. Policies are additive: of those that select a pod, one
//! rule that allows the traffic is enough. Unknown facts, such as the labels of another namespace, never count as
//! blocked: [`Reach::Blocked`] is certain, provided that policies are enforced.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::{
    api::{
        core::v1::Pod,
        networking::v1::{IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort},
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, LabelSelectorRequirement},
        util::intstr::IntOrString,
    },
};

/// The label that contains every namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A direction, from the point of view of the pod that a policy selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the pod.
    Ingress,
    /// From the pod.
    Egress,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// Whether something is true; `Perhaps` if the objects do not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    No,
    Perhaps,
    Yes,
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// A namespace as policies see it.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    name: String,
    /// Its labels, `None` if unknown; the label with its name always exists.
    labels: Option<BTreeMap<String, String>>,
}

impl Namespace {
    pub(crate) fn new(name: &str, labels: Option<&BTreeMap<String, String>>) -> Self {
        Self { name: name.to_owned(), labels: labels.cloned() }
    }

    fn matches(&self, selector: &LabelSelector) -> Truth {
        match &self.labels {
            Some(labels) => {
                let mut labels = labels.clone();
                labels.entry(NAME_LABEL.into()).or_insert_with(|| self.name.clone());
                selects(selector, &labels, true)
            }
            None => {
                let labels = BTreeMap::from([(NAME_LABEL.to_owned(), self.name.clone())]);
                selects(selector, &labels, false)
            }
        }
    }
}

/// The other end of a connection.
pub(crate) enum RemoteEnd<'a> {
    /// A pod.
    Pod(&'a Pod, &'a Namespace),
    /// Something of which only the namespace is known, such as the cluster's DNS.
    UnknownPodIn(&'a Namespace),
}

/// A port of the receiving pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// `TCP` or `UDP`.
    pub(crate) protocol: &'static str,
    /// The number.
    pub(crate) number: u16,
}

/// Whether traffic is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It is allowed, or nothing proves that it is blocked.
    Open,
    /// It is blocked: these policies select the pod, and none has a rule that allows it.
    Blocked {
        /// Whether the sender or the receiver blocks it.
        direction: Direction,
        /// The policies' names.
        policies: Vec<String>,
    },
}

/// The policies of one namespace.
pub(crate) struct Policies<'a> {
    policies: &'a [NetworkPolicy],
    home: &'a Namespace,
}

impl<'a> Policies<'a> {
    pub(crate) fn new(policies: &'a [NetworkPolicy], home: &'a Namespace) -> Self {
        Self { policies, home }
    }

    /// Whether a pod of this namespace can reach another one on a port.
    pub(crate) fn between(&self, from: &Pod, to: &Pod, port: Port) -> Reach {
        if same(from, to) || on_node(from) || on_node(to) {
            return Reach::Open;
        }
        match self.sends(from, &RemoteEnd::Pod(to, self.home), port) {
            Reach::Open => self.one_way(Direction::Ingress, to, &RemoteEnd::Pod(from, self.home), &|wanted| {
                port_matches(wanted, port, Some(to))
            }),
            blocked @ Reach::Blocked { .. } => blocked,
        }
    }

    /// Whether a pod of this namespace can send to a port of another, regardless of the receiver's policies.
    pub(crate) fn sends(&self, from: &Pod, to: &RemoteEnd<'_>, port: Port) -> Reach {
        if on_node(from) {
            return Reach::Open;
        }
        let owner = match to {
            RemoteEnd::Pod(pod, _) => Some(*pod),
            RemoteEnd::UnknownPodIn(_) => None,
        };
        self.one_way(Direction::Egress, from, to, &|wanted| port_matches(wanted, port, owner))
    }

    fn one_way(
        &self,
        direction: Direction,
        pod: &Pod,
        remote: &RemoteEnd<'_>,
        port: &dyn Fn(&NetworkPolicyPort) -> Truth,
    ) -> Reach {
        let mut isolating = Vec::new();
        for policy in self.policies {
            let Some(spec) = &policy.spec else { continue };
            if !applies(policy, direction) || self.selects_pod(policy, pod) != Truth::Yes {
                continue;
            }
            let through = match direction {
                Direction::Ingress => spec
                    .ingress
                    .iter()
                    .flatten()
                    .any(|rule| self.lets(rule.from.as_deref(), rule.ports.as_deref(), remote, port)),
                Direction::Egress => spec
                    .egress
                    .iter()
                    .flatten()
                    .any(|rule| self.lets(rule.to.as_deref(), rule.ports.as_deref(), remote, port)),
            };
            if through {
                return Reach::Open;
            }
            isolating.push(policy.metadata.name.clone().unwrap_or_default());
        }
        if isolating.is_empty() { Reach::Open } else { Reach::Blocked { direction, policies: isolating } }
    }

    fn selects_pod(&self, policy: &NetworkPolicy, pod: &Pod) -> Truth {
        let home = |namespace: &Option<String>| namespace.as_ref().is_none_or(|namespace| *namespace == self.home.name);
        if !home(&policy.metadata.namespace) || !home(&pod.metadata.namespace) {
            return Truth::No;
        }
        match policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref()) {
            Some(selector) => selects(selector, &labels(pod), true),
            None => Truth::Yes,
        }
    }

    /// Whether a rule may allow the traffic.
    fn lets(
        &self,
        peers: Option<&[NetworkPolicyPeer]>,
        ports: Option<&[NetworkPolicyPort]>,
        remote: &RemoteEnd<'_>,
        port: &dyn Fn(&NetworkPolicyPort) -> Truth,
    ) -> bool {
        // Missing or empty peers and ports restrict nothing.
        let peers = peers.unwrap_or_default();
        let ports = ports.unwrap_or_default();
        (peers.is_empty() || peers.iter().any(|peer| self.is_peer(peer, remote) > Truth::No))
            && (ports.is_empty() || ports.iter().any(|wanted| port(wanted) > Truth::No))
    }

    fn is_peer(&self, peer: &NetworkPolicyPeer, remote: &RemoteEnd<'_>) -> Truth {
        if let Some(block) = &peer.ip_block {
            return match remote {
                RemoteEnd::Pod(pod, _) => in_block(block, pod),
                RemoteEnd::UnknownPodIn(_) => Truth::Perhaps,
            };
        }
        let namespace = match remote {
            RemoteEnd::Pod(_, namespace) | RemoteEnd::UnknownPodIn(namespace) => namespace,
        };
        let namespace = match &peer.namespace_selector {
            Some(selector) => namespace.matches(selector),
            // Without a namespace selector, only pods of the policy's own namespace match.
            None => (namespace.name == self.home.name).into(),
        };
        let pod = match (&peer.pod_selector, remote) {
            (None, _) => Truth::Yes,
            (Some(selector), RemoteEnd::Pod(pod, _)) => selects(selector, &labels(pod), true),
            (Some(_), RemoteEnd::UnknownPodIn(_)) => Truth::Perhaps,
        };
        namespace.min(pod)
    }
}

/// Whether a policy restricts a direction. Without policy types, it restricts ingress, and egress only if it has an
/// egress rule.
fn applies(policy: &NetworkPolicy, direction: Direction) -> bool {
    let Some(spec) = &policy.spec else {
        return false;
    };
    let types = spec.policy_types.as_deref().unwrap_or_default();
    match direction {
        Direction::Ingress => types.is_empty() || types.iter().any(|t| t == "Ingress"),
        Direction::Egress if types.is_empty() => spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()),
        Direction::Egress => types.iter().any(|t| t == "Egress"),
    }
}

fn labels(pod: &Pod) -> BTreeMap<String, String> {
    pod.metadata.labels.clone().unwrap_or_default()
}

fn same(a: &Pod, b: &Pod) -> bool {
    a.metadata.name == b.metadata.name && a.metadata.namespace == b.metadata.namespace
}

/// Whether a pod uses the host network, for which Kubernetes does not define the effect of policies.
fn on_node(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true)
}

/// Whether a selector matches these labels. `complete` means that there are no other labels.
fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>, complete: bool) -> Truth {
    let pairs = selector.match_labels.iter().flatten().map(|(key, value)| match labels.get(key) {
        Some(found) => (found == value).into(),
        None if complete => Truth::No,
        None => Truth::Perhaps,
    });
    let expressions =
        selector.match_expressions.iter().flatten().map(|requirement| fulfils(requirement, labels, complete));
    pairs.chain(expressions).min().unwrap_or(Truth::Yes)
}

fn fulfils(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>, complete: bool) -> Truth {
    let found = labels.get(&requirement.key);
    if found.is_none() && !complete {
        return Truth::Perhaps;
    }
    let listed = |value: &String| requirement.values.iter().flatten().any(|wanted| wanted == value);
    match requirement.operator.as_str() {
        "In" => found.is_some_and(listed).into(),
        // A missing label has none of the values.
        "NotIn" => (!found.is_some_and(listed)).into(),
        "Exists" => found.is_some().into(),
        "DoesNotExist" => found.is_none().into(),
        _ => Truth::Perhaps,
    }
}

/// Whether a rule's port matches. A named port is looked up in the receiving pod.
fn port_matches(wanted: &NetworkPolicyPort, port: Port, owner: Option<&Pod>) -> Truth {
    if wanted.protocol.as_deref().unwrap_or("TCP") != port.protocol {
        return Truth::No;
    }
    let number = i32::from(port.number);
    match (&wanted.port, wanted.end_port) {
        (None, _) => Truth::Yes,
        (Some(IntOrString::Int(first)), None) => (*first == number).into(),
        (Some(IntOrString::Int(first)), Some(last)) => (*first <= number && number <= last).into(),
        (Some(IntOrString::String(name)), _) => {
            let Some(spec) = owner.and_then(|pod| pod.spec.as_ref()) else {
                return Truth::Perhaps;
            };
            spec.containers
                .iter()
                .flat_map(|container| container.ports.iter().flatten())
                .any(|p| {
                    p.name.as_deref() == Some(name)
                        && p.container_port == number
                        && p.protocol.as_deref().unwrap_or("TCP") == port.protocol
                })
                .into()
        }
    }
}

/// Whether a pod's address is in a block. Blocks usually match pod addresses, but this is not guaranteed.
fn in_block(block: &IPBlock, pod: &Pod) -> Truth {
    let Some(address) = pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()?.parse::<IpAddr>().ok()) else {
        return Truth::Perhaps;
    };
    let left_out = block.except.iter().flatten().map(|cidr| contains(cidr, address)).max().unwrap_or(Truth::No);
    match (contains(&block.cidr, address), left_out) {
        (Truth::No, _) | (_, Truth::Yes) => Truth::No,
        (Truth::Yes, Truth::No) => Truth::Yes,
        _ => Truth::Perhaps,
    }
}

fn contains(cidr: &str, address: IpAddr) -> Truth {
    let parsed = cidr
        .split_once('/')
        .and_then(|(base, length)| Some((base.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?)));
    let (first, other, bits, length) = match (parsed, address) {
        (Some((IpAddr::V4(base), length)), IpAddr::V4(address)) => {
            (u128::from(base.to_bits()), u128::from(address.to_bits()), 32, length)
        }
        (Some((IpAddr::V6(base), length)), IpAddr::V6(address)) => (base.to_bits(), address.to_bits(), 128, length),
        (Some(_), _) => return Truth::No,
        (None, _) => return Truth::Perhaps,
    };
    let Some(rest) = u32::checked_sub(bits, length) else {
        return Truth::Perhaps;
    };
    // A shift by the whole width would overflow.
    let cut = |bits: u128| bits.checked_shr(rest).unwrap_or(0);
    (cut(first) == cut(other)).into()
}

#[cfg(test)]
mod tests;
