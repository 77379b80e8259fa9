//! What the `NetworkPolicies` of a namespace let through, read as Kubernetes defines them. Pure.
//!
//! This is our own since no library evaluates policies over observed objects and tells "barred" from "not known".
//!
//! A pod that no policy selects takes and sends everything. Policies only ever add up: of those that select a pod, one
//! rule that lets a packet through is enough. Whatever cannot be read off the objects, such as the labels of a namespace
//! that was not looked at, is not taken for a bar: [`Reach::Barred`] is certain, as far as policies are enforced.

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

/// The label that every namespace has, with its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A direction, seen from the pod that a policy selects.
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

/// Whether something is so; perhaps, where the objects do not say.
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
    /// Its labels, none where they are not known; the label with its name is always there.
    labels: Option<BTreeMap<String, String>>,
}

impl Namespace {
    pub(crate) fn new(name: &str, labels: Option<&BTreeMap<String, String>>) -> Self {
        Self {
            name: name.to_owned(),
            labels: labels.cloned(),
        }
    }

    fn matches(&self, selector: &LabelSelector) -> Truth {
        match &self.labels {
            Some(labels) => {
                let mut labels = labels.clone();
                labels
                    .entry(NAME_LABEL.into())
                    .or_insert_with(|| self.name.clone());
                selects(selector, &labels, true)
            }
            None => {
                let labels = BTreeMap::from([(NAME_LABEL.to_owned(), self.name.clone())]);
                selects(selector, &labels, false)
            }
        }
    }
}

/// What reaches, or is reached on, a port.
pub(crate) enum Far<'a> {
    /// A pod.
    Pod(&'a Pod, &'a Namespace),
    /// Something of which only the namespace is known, such as the cluster's DNS.
    Somebody(&'a Namespace),
}

/// A port of the pod that is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// `TCP` or `UDP`.
    pub(crate) protocol: &'static str,
    /// The number.
    pub(crate) number: u16,
}

/// Whether a packet gets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It does, or nothing says for certain that it does not.
    Open,
    /// It does not: these policies select the pod, and none has a rule for it.
    Barred {
        /// Where: at the sender or at the receiver.
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

    /// Whether a pod of this namespace reaches another of it on a port.
    pub(crate) fn between(&self, from: &Pod, to: &Pod, port: Port) -> Reach {
        if same(from, to) || on_node(from) || on_node(to) {
            return Reach::Open;
        }
        match self.sends(from, &Far::Pod(to, self.home), port) {
            Reach::Open => self.one_way(
                Direction::Ingress,
                to,
                &Far::Pod(from, self.home),
                &|wanted| port_matches(wanted, port, Some(to)),
            ),
            barred @ Reach::Barred { .. } => barred,
        }
    }

    /// Whether a pod of this namespace may send to a port of another, whatever that one says.
    pub(crate) fn sends(&self, from: &Pod, to: &Far<'_>, port: Port) -> Reach {
        if on_node(from) {
            return Reach::Open;
        }
        let owner = match to {
            Far::Pod(pod, _) => Some(*pod),
            Far::Somebody(_) => None,
        };
        self.one_way(Direction::Egress, from, to, &|wanted| {
            port_matches(wanted, port, owner)
        })
    }

    fn one_way(
        &self,
        direction: Direction,
        pod: &Pod,
        far: &Far<'_>,
        port: &dyn Fn(&NetworkPolicyPort) -> Truth,
    ) -> Reach {
        let mut isolating = Vec::new();
        for policy in self.policies {
            let Some(spec) = &policy.spec else { continue };
            if !applies(policy, direction) || self.selects_pod(policy, pod) != Truth::Yes {
                continue;
            }
            let through =
                match direction {
                    Direction::Ingress => spec.ingress.iter().flatten().any(|rule| {
                        self.lets(rule.from.as_deref(), rule.ports.as_deref(), far, port)
                    }),
                    Direction::Egress => spec.egress.iter().flatten().any(|rule| {
                        self.lets(rule.to.as_deref(), rule.ports.as_deref(), far, port)
                    }),
                };
            if through {
                return Reach::Open;
            }
            isolating.push(policy.metadata.name.clone().unwrap_or_default());
        }
        if isolating.is_empty() {
            Reach::Open
        } else {
            Reach::Barred {
                direction,
                policies: isolating,
            }
        }
    }

    fn selects_pod(&self, policy: &NetworkPolicy, pod: &Pod) -> Truth {
        let home = |namespace: &Option<String>| {
            namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == self.home.name)
        };
        if !home(&policy.metadata.namespace) || !home(&pod.metadata.namespace) {
            return Truth::No;
        }
        match policy
            .spec
            .as_ref()
            .and_then(|spec| spec.pod_selector.as_ref())
        {
            Some(selector) => selects(selector, &labels(pod), true),
            None => Truth::Yes,
        }
    }

    /// Whether a rule lets something through, as far as is not certain that it does not.
    fn lets(
        &self,
        peers: Option<&[NetworkPolicyPeer]>,
        ports: Option<&[NetworkPolicyPort]>,
        far: &Far<'_>,
        port: &dyn Fn(&NetworkPolicyPort) -> Truth,
    ) -> bool {
        // Neither peers nor ports that are missing or empty restrict anything.
        let peers = peers.unwrap_or_default();
        let ports = ports.unwrap_or_default();
        (peers.is_empty() || peers.iter().any(|peer| self.is_peer(peer, far) > Truth::No))
            && (ports.is_empty() || ports.iter().any(|wanted| port(wanted) > Truth::No))
    }

    fn is_peer(&self, peer: &NetworkPolicyPeer, far: &Far<'_>) -> Truth {
        if let Some(block) = &peer.ip_block {
            return match far {
                Far::Pod(pod, _) => in_block(block, pod),
                Far::Somebody(_) => Truth::Perhaps,
            };
        }
        let namespace = match far {
            Far::Pod(_, namespace) | Far::Somebody(namespace) => namespace,
        };
        let namespace = match &peer.namespace_selector {
            Some(selector) => namespace.matches(selector),
            // Without one, only pods of the policy's own namespace are meant.
            None => (namespace.name == self.home.name).into(),
        };
        let pod = match (&peer.pod_selector, far) {
            (None, _) => Truth::Yes,
            (Some(selector), Far::Pod(pod, _)) => selects(selector, &labels(pod), true),
            (Some(_), Far::Somebody(_)) => Truth::Perhaps,
        };
        namespace.min(pod)
    }
}

/// Whether a policy restricts a direction. Without a list of types it restricts what comes in, and what goes out only
/// when it has a rule for that.
fn applies(policy: &NetworkPolicy, direction: Direction) -> bool {
    let Some(spec) = &policy.spec else {
        return false;
    };
    let types = spec.policy_types.as_deref().unwrap_or_default();
    match direction {
        Direction::Ingress => types.is_empty() || types.iter().any(|t| t == "Ingress"),
        Direction::Egress if types.is_empty() => {
            spec.egress.as_ref().is_some_and(|rules| !rules.is_empty())
        }
        Direction::Egress => types.iter().any(|t| t == "Egress"),
    }
}

fn labels(pod: &Pod) -> BTreeMap<String, String> {
    pod.metadata.labels.clone().unwrap_or_default()
}

fn same(a: &Pod, b: &Pod) -> bool {
    a.metadata.name == b.metadata.name && a.metadata.namespace == b.metadata.namespace
}

/// Whether a pod has its node's network, for which Kubernetes leaves open what policies do.
fn on_node(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true)
}

/// Whether a selector takes in these labels. `complete` says that there are no others.
fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>, complete: bool) -> Truth {
    let pairs = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| match labels.get(key) {
            Some(found) => (found == value).into(),
            None if complete => Truth::No,
            None => Truth::Perhaps,
        });
    let expressions = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|requirement| fulfils(requirement, labels, complete));
    pairs.chain(expressions).min().unwrap_or(Truth::Yes)
}

fn fulfils(
    requirement: &LabelSelectorRequirement,
    labels: &BTreeMap<String, String>,
    complete: bool,
) -> Truth {
    let found = labels.get(&requirement.key);
    if found.is_none() && !complete {
        return Truth::Perhaps;
    }
    let listed = |value: &String| {
        requirement
            .values
            .iter()
            .flatten()
            .any(|wanted| wanted == value)
    };
    match requirement.operator.as_str() {
        "In" => found.is_some_and(listed).into(),
        // A label that is not there has none of the values.
        "NotIn" => (!found.is_some_and(listed)).into(),
        "Exists" => found.is_some().into(),
        "DoesNotExist" => found.is_none().into(),
        _ => Truth::Perhaps,
    }
}

/// Whether a port is among those that a rule names. A name is looked up in the pod that is reached.
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

/// Whether a pod's address is in a block. That blocks see pods' addresses is usual and not promised.
fn in_block(block: &IPBlock, pod: &Pod) -> Truth {
    let Some(address) = pod
        .status
        .as_ref()
        .and_then(|status| status.pod_ip.as_ref()?.parse::<IpAddr>().ok())
    else {
        return Truth::Perhaps;
    };
    let left_out = block
        .except
        .iter()
        .flatten()
        .map(|cidr| contains(cidr, address))
        .max()
        .unwrap_or(Truth::No);
    match (contains(&block.cidr, address), left_out) {
        (Truth::No, _) | (_, Truth::Yes) => Truth::No,
        (Truth::Yes, Truth::No) => Truth::Yes,
        _ => Truth::Perhaps,
    }
}

fn contains(cidr: &str, address: IpAddr) -> Truth {
    let parsed = cidr.split_once('/').and_then(|(base, length)| {
        Some((base.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?))
    });
    let (first, other, bits, length) = match (parsed, address) {
        (Some((IpAddr::V4(base), length)), IpAddr::V4(address)) => (
            u128::from(base.to_bits()),
            u128::from(address.to_bits()),
            32,
            length,
        ),
        (Some((IpAddr::V6(base), length)), IpAddr::V6(address)) => {
            (base.to_bits(), address.to_bits(), 128, length)
        }
        (Some(_), _) => return Truth::No,
        (None, _) => return Truth::Perhaps,
    };
    let Some(rest) = u32::checked_sub(bits, length) else {
        return Truth::Perhaps;
    };
    // A shift by the whole width would be none.
    let cut = |bits: u128| bits.checked_shr(rest).unwrap_or(0);
    (cut(first) == cut(other)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MONITOR: Port = Port {
        protocol: "TCP",
        number: 8222,
    };
    const CLIENT: Port = Port {
        protocol: "TCP",
        number: 4222,
    };

    fn pod(name: &str, label: &str, ip: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": name, "namespace": "meshery", "labels": { "role": label } },
            "spec": { "containers": [{ "name": "c", "ports": [
                { "name": "nats", "containerPort": 4222, "protocol": "TCP" },
                { "name": "monitor", "containerPort": 8222, "protocol": "TCP" },
            ] }] },
            "status": { "podIP": ip },
        }))
        .expect("a pod")
    }

    fn policies(specs: &[Value]) -> Vec<NetworkPolicy> {
        specs
            .iter()
            .enumerate()
            .map(|(number, spec)| {
                serde_json::from_value(json!({
                    "metadata": { "name": format!("p{number}"), "namespace": "meshery" },
                    "spec": spec,
                }))
                .expect("a policy")
            })
            .collect()
    }

    fn home() -> Namespace {
        let labels = BTreeMap::from([("team".to_owned(), "mesh".to_owned())]);
        Namespace::new("meshery", Some(&labels))
    }

    fn between(specs: &[Value], port: Port) -> Reach {
        let policies = policies(specs);
        let home = home();
        Policies::new(&policies, &home).between(
            &pod("meshsync", "meshsync", "10.1.2.3"),
            &pod("nats", "nats", "10.1.9.9"),
            port,
        )
    }

    #[track_caller]
    fn open(specs: &[Value], port: Port) {
        assert_eq!(between(specs, port), Reach::Open);
    }

    #[track_caller]
    fn barred(specs: &[Value], port: Port, direction: Direction, names: &[&str]) {
        let policies = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            between(specs, port),
            Reach::Barred {
                direction,
                policies
            }
        );
    }

    #[test]
    fn without_a_policy_that_selects_the_pod_all_is_open() {
        open(&[], CLIENT);
        open(
            &[json!({ "podSelector": { "matchLabels": { "role": "other" } } })],
            CLIENT,
        );
    }

    #[test]
    fn an_empty_selector_takes_every_pod_and_no_rule_lets_nothing_in() {
        barred(
            &[json!({ "podSelector": {} })],
            CLIENT,
            Direction::Ingress,
            &["p0"],
        );
        // Without types, what goes out is restricted only by a rule for it.
        barred(
            &[
                json!({ "podSelector": {}, "egress": [{ "ports": [{ "port": 53 }] }],
                "ingress": [{}] }),
            ],
            CLIENT,
            Direction::Egress,
            &["p0"],
        );
        open(
            &[json!({ "podSelector": {}, "ingress": [{}], "egress": [] })],
            CLIENT,
        );
    }

    #[test]
    fn types_decide_what_is_restricted() {
        let egress = json!({ "podSelector": { "matchLabels": { "role": "meshsync" } }, "policyTypes": ["Egress"] });
        barred(&[egress], CLIENT, Direction::Egress, &["p0"]);
        // The rules of a direction that is not among the types do nothing.
        open(
            &[
                json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}],
                "egress": [{ "ports": [{ "port": 1 }] }] }),
            ],
            CLIENT,
        );
        open(
            &[
                json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "policyTypes": ["Egress"] }),
            ],
            CLIENT,
        );
    }

    #[test]
    fn policies_add_up() {
        let deny = json!({ "podSelector": {}, "policyTypes": ["Ingress"] });
        let allow = json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "ingress": [{
            "from": [{ "podSelector": { "matchLabels": { "role": "meshsync" } } }],
            "ports": [{ "port": 4222 }],
        }] });
        open(&[deny.clone(), allow.clone()], CLIENT);
        barred(&[deny, allow], MONITOR, Direction::Ingress, &["p0", "p1"]);
    }

    fn ingress(rule: &Value) -> Value {
        json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "ingress": [rule] })
    }

    #[test]
    fn peers_are_pods_here_pods_there_or_both_selectors_at_once() {
        let from = |peer: Value| [ingress(&json!({ "from": [peer] }))];
        let no = |peer: Value| barred(&from(peer), CLIENT, Direction::Ingress, &["p0"]);
        let yes = |peer: Value| open(&from(peer), CLIENT);
        yes(json!({ "podSelector": {} }));
        no(json!({ "podSelector": { "matchLabels": { "role": "server" } } }));
        yes(json!({ "namespaceSelector": {} }));
        yes(json!({ "namespaceSelector": { "matchLabels": { "team": "mesh" } } }));
        yes(json!({ "namespaceSelector": { "matchLabels": { NAME_LABEL: "meshery" } } }));
        no(json!({ "namespaceSelector": { "matchLabels": { NAME_LABEL: "default" } } }));
        no(
            json!({ "namespaceSelector": { "matchLabels": { "team": "mesh" } },
            "podSelector": { "matchLabels": { "role": "server" } } }),
        );
        // Two entries of a list are alternatives, unlike two selectors of one entry.
        open(
            &[ingress(&json!({ "from": [
                { "namespaceSelector": { "matchLabels": { "team": "mesh" } } },
                { "podSelector": { "matchLabels": { "role": "server" } } },
            ] }))],
            CLIENT,
        );
        // Empty lists restrict nothing.
        open(&[ingress(&json!({ "from": [], "ports": [] }))], CLIENT);
    }

    #[test]
    fn expressions_mean_what_they_mean_elsewhere() {
        let with = |operator: &str, values: Value| {
            let peer = json!({ "podSelector": { "matchExpressions": [
                { "key": "role", "operator": operator, "values": values } ] } });
            between(&[ingress(&json!({ "from": [peer] }))], CLIENT) == Reach::Open
        };
        assert!(with("In", json!(["server", "meshsync"])));
        assert!(!with("In", json!(["server"])));
        assert!(!with("NotIn", json!(["meshsync"])));
        assert!(with("NotIn", json!(["server"])));
        assert!(with("Exists", Value::Null));
        assert!(!with("DoesNotExist", Value::Null));
        let absent = json!({ "podSelector": { "matchExpressions": [
            { "key": "other", "operator": "NotIn", "values": ["x"] } ] } });
        open(&[ingress(&json!({ "from": [absent] }))], CLIENT);
    }

    #[test]
    fn blocks_are_addresses_but_for_their_exceptions() {
        let block = |block: Value| {
            between(
                &[ingress(&json!({ "from": [{ "ipBlock": block }] }))],
                CLIENT,
            ) == Reach::Open
        };
        assert!(block(json!({ "cidr": "10.1.0.0/16" })));
        assert!(block(json!({ "cidr": "0.0.0.0/0" })));
        assert!(block(json!({ "cidr": "10.1.2.3/32" })));
        assert!(!block(json!({ "cidr": "10.2.0.0/16" })));
        assert!(!block(
            json!({ "cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"] })
        ));
        assert!(block(
            json!({ "cidr": "10.1.0.0/16", "except": ["10.1.3.0/24"] })
        ));
        assert!(!block(json!({ "cidr": "fd00::/8" })));
    }

    #[test]
    fn ports_are_numbers_ranges_names_or_all_of_a_protocol() {
        let ports = |list: Value, port: Port| {
            between(&[ingress(&json!({ "ports": list }))], port) == Reach::Open
        };
        assert!(ports(json!([{ "port": 4222 }]), CLIENT));
        assert!(!ports(json!([{ "port": 4222 }]), MONITOR));
        assert!(!ports(json!([{ "port": 4222, "protocol": "UDP" }]), CLIENT));
        assert!(ports(json!([{ "port": 4000, "endPort": 5000 }]), CLIENT));
        assert!(!ports(json!([{ "port": 4000, "endPort": 4221 }]), CLIENT));
        assert!(ports(json!([{ "port": "nats" }]), CLIENT));
        assert!(!ports(json!([{ "port": "nats" }]), MONITOR));
        assert!(ports(json!([{ "protocol": "TCP" }]), MONITOR));
        assert!(!ports(json!([{ "protocol": "UDP" }]), MONITOR));
    }

    #[test]
    fn what_is_not_known_bars_nothing() {
        let list = policies(&[
            json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
            "to": [{ "namespaceSelector": { "matchLabels": { "purpose": "dns" } },
                "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } } }],
            "ports": [{ "port": 53, "protocol": "UDP" }],
        }] }),
        ]);
        let home = home();
        let policies = Policies::new(&list, &home);
        let system = Namespace::new("kube-system", None);
        let from = pod("meshsync", "meshsync", "10.1.2.3");
        let dns = |protocol| Port {
            protocol,
            number: 53,
        };
        assert_eq!(
            policies.sends(&from, &Far::Somebody(&system), dns("UDP")),
            Reach::Open
        );
        assert_ne!(
            policies.sends(&from, &Far::Somebody(&system), dns("TCP")),
            Reach::Open
        );
        // Its labels known, the namespace is none of those that are let through.
        let system = Namespace::new("kube-system", Some(&BTreeMap::new()));
        assert_ne!(
            policies.sends(&from, &Far::Somebody(&system), dns("UDP")),
            Reach::Open
        );
    }

    #[test]
    fn a_pod_on_its_nodes_network_and_one_that_asks_itself_are_let_be() {
        let list = policies(&[json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] })]);
        let home = home();
        let policies = Policies::new(&list, &home);
        let mut one = pod("one", "meshsync", "10.1.2.3");
        assert_eq!(policies.between(&one, &one, CLIENT), Reach::Open);
        let two = pod("two", "nats", "10.1.2.4");
        assert_ne!(policies.between(&one, &two, CLIENT), Reach::Open);
        one.spec.as_mut().expect("a spec").host_network = Some(true);
        assert_eq!(policies.between(&one, &two, CLIENT), Reach::Open);
    }
}
