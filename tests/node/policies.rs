//! Enforces NetworkPolicies on the node, with nftables: the job of a network plugin such as kube-router or Calico, none of
//! which can be had as a package.
//!
//! It is written after the API's documentation and shares nothing with meshdoctor's evaluation of policies, which the
//! tests compare with it. As with those plugins, packets that no policy allows are dropped, and connections that exist
//! already continue.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};

use super::client;
use super::node::PODS;
use super::scratch::Scratch;

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(300);

/// The running enforcement; stopped on drop.
#[derive(Debug)]
pub struct Enforcer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Enforcer {
    /// Starts it, as the cluster's administrator.
    pub fn start(scratch: &Scratch) -> Result<Self> {
        let kubeconfig = fs::read_to_string(scratch.file("kubeconfig"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("network policies".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(enforce(&kubeconfig, &stopped)) {
                eprintln!("NetworkPolicies are not enforced: {error:#}");
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Enforcer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn enforce(kubeconfig: &str, stopped: &Receiver<()>) -> Result<()> {
    let client = client::connect(kubeconfig).await?;
    let mut applied = None;
    loop {
        // A failed request, such as one to a restarting API server, leaves the rules as they are.
        if let Ok(cluster) = State::read(&client).await {
            let rules = cluster.rules();
            if applied.as_ref() != Some(&rules) {
                apply(&rules)?;
                applied = Some(rules);
            }
        }
        if stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

/// Replaces all rules at once.
fn apply(rules: &str) -> Result<()> {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    nft.stdin.take().context("no input")?.write_all(rules.as_bytes())?;
    let output = nft.wait_with_output()?;
    ensure!(output.status.success(), "nft failed: {}\n{rules}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The peers and the ports that a rule allows; without a list, all of them.
type Rule = (Option<Vec<NetworkPolicyPeer>>, Option<Vec<NetworkPolicyPort>>);

/// What decides about a packet.
struct State {
    policies: Vec<NetworkPolicy>,
    pods: Vec<Pod>,
    namespaces: Vec<Namespace>,
}

/// The direction that a policy limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl State {
    async fn read(client: &Client) -> Result<Self> {
        let all = ListParams::default();
        let (policies, pods, namespaces) = (
            Api::<NetworkPolicy>::all(client.clone()).list(&all).await?.items,
            Api::<Pod>::all(client.clone()).list(&all).await?.items,
            Api::<Namespace>::all(client.clone()).list(&all).await?.items,
        );
        Ok(Self { policies, pods, namespaces })
    }

    /// The rules in the language of nft: a chain for each direction of each pod that a policy isolates.
    fn rules(&self) -> String {
        let (mut hooks, mut chains) = (String::new(), String::new());
        for (number, pod) in self.pods.iter().enumerate() {
            let Some(address) = address(pod) else { continue };
            for direction in [Direction::Egress, Direction::Ingress] {
                let policies: Vec<_> = self.policies.iter().filter(|policy| isolates(policy, pod, direction)).collect();
                if policies.is_empty() {
                    continue;
                }
                let (name, field) = match direction {
                    Direction::Egress => (format!("egress_{number}"), "saddr"),
                    Direction::Ingress => (format!("ingress_{number}"), "daddr"),
                };
                let _ = writeln!(hooks, "    ip {field} {address} jump {name}");
                let _ = writeln!(chains, "  chain {name} {{");
                for policy in policies {
                    for rule in self.allowed(policy, pod, direction) {
                        let _ = writeln!(chains, "    {rule} return");
                    }
                }
                let _ = writeln!(chains, "    drop\n  }}");
            }
        }
        // As with a network plugin, a new pod has no network before its rules exist.
        let known: Vec<_> = self.pods.iter().filter_map(address).collect();
        let known = if known.is_empty() { String::new() } else { format!("elements = {{ {} }};", known.join(", ")) };
        // Packets to the node itself, such as those to the API server, are not forwarded.
        let chain = |name: &str| {
            format!(
                "  chain {name} {{\n    type filter hook {name} priority 10; policy accept;\n    ct state established,related accept\n    ip saddr {PODS} ip saddr != @pods drop\n{hooks}  }}\n"
            )
        };
        format!(
            "add table inet meshdoctor\ndelete table inet meshdoctor\ntable inet meshdoctor {{\n  set pods {{ type ipv4_addr; {known} }}\n{chains}{}{}}}\n",
            chain("forward"),
            chain("input")
        )
    }

    /// The packets that a policy allows, as conditions of nft.
    fn allowed(&self, policy: &NetworkPolicy, pod: &Pod, direction: Direction) -> Vec<String> {
        let spec = policy.spec.clone().unwrap_or_default();
        let namespace = policy.namespace().unwrap_or_default();
        let rules: Vec<Rule> = match direction {
            Direction::Ingress => spec.ingress.into_iter().flatten().map(|rule| (rule.from, rule.ports)).collect(),
            Direction::Egress => spec.egress.into_iter().flatten().map(|rule| (rule.to, rule.ports)).collect(),
        };
        let mut conditions = Vec::new();
        for (peers, ports) in rules {
            // An absent or empty list allows every peer, or every port.
            for (peer, peer_pod) in self.peers(&namespace, peers.unwrap_or_default(), direction) {
                let target = if direction == Direction::Ingress { Some(pod) } else { peer_pod };
                for port in conditions_of_ports(ports.clone().unwrap_or_default(), target) {
                    conditions.push(format!("{peer} {port}"));
                }
            }
        }
        conditions
    }

    /// The addresses of peers, as conditions of nft, with the pod if it is one.
    fn peers(
        &self,
        namespace: &str,
        peers: Vec<NetworkPolicyPeer>,
        direction: Direction,
    ) -> Vec<(String, Option<&Pod>)> {
        let field = if direction == Direction::Ingress { "saddr" } else { "daddr" };
        if peers.is_empty() {
            // Named ports depend on the pod, so each pod has its own condition, and everything else one more.
            let pods = self.pods.iter().filter_map(|pod| Some((format!("ip {field} {}", address(pod)?), Some(pod))));
            return pods.chain([(String::new(), None)]).collect();
        }
        let mut conditions = Vec::new();
        for peer in peers {
            if let Some(block) = peer.ip_block {
                let except = block.except.unwrap_or_default().into_iter();
                let except: Vec<String> = except.map(|range| format!(" ip {field} != {range}")).collect();
                conditions.push((format!("ip {field} {}{}", block.cidr, except.concat()), None));
                continue;
            }
            for pod in &self.pods {
                let in_namespace = match &peer.namespace_selector {
                    None => pod.namespace().as_deref() == Some(namespace),
                    Some(selector) => self.namespaces.iter().any(|candidate| {
                        candidate.name_any() == pod.namespace().unwrap_or_default()
                            && selects(selector, candidate.labels())
                    }),
                };
                let selected = peer.pod_selector.as_ref().is_none_or(|selector| selects(selector, pod.labels()));
                if let Some(address) = address(pod).filter(|_| in_namespace && selected) {
                    conditions.push((format!("ip {field} {address}"), Some(pod)));
                }
            }
        }
        conditions
    }
}

/// The address of a pod that has one of its own.
fn address(pod: &Pod) -> Option<&str> {
    let on_host = pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default();
    let status = pod.status.as_ref().filter(|_| !on_host)?;
    let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    status.pod_ip.as_deref().filter(|_| !ended)
}

/// Whether a policy limits a pod in a direction. Without `policyTypes`, it limits ingress, and egress if it has rules for it.
fn isolates(policy: &NetworkPolicy, pod: &Pod, direction: Direction) -> bool {
    let Some(spec) = &policy.spec else { return false };
    let limits = match (&spec.policy_types, direction) {
        (Some(types), Direction::Ingress) => types.iter().any(|name| name == "Ingress"),
        (Some(types), Direction::Egress) => types.iter().any(|name| name == "Egress"),
        (None, Direction::Ingress) => true,
        (None, Direction::Egress) => spec.egress.is_some(),
    };
    let selected = spec.pod_selector.as_ref().is_none_or(|selector| selects(selector, pod.labels()));
    limits && policy.namespace() == pod.namespace() && selected
}

fn selects(selector: &LabelSelector, labels: &std::collections::BTreeMap<String, String>) -> bool {
    let mut equal = selector.match_labels.iter().flatten();
    let mut expressions = selector.match_expressions.iter().flatten();
    equal.all(|(key, value)| labels.get(key) == Some(value))
        && expressions.all(|expression| {
            let value = labels.get(&expression.key);
            let is_listed = value.is_some_and(|value| expression.values.iter().flatten().any(|listed| listed == value));
            match expression.operator.as_str() {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

/// The ports of a rule, as conditions of nft. A named port is looked up in the pod that receives the packet.
fn conditions_of_ports(ports: Vec<NetworkPolicyPort>, target: Option<&Pod>) -> Vec<String> {
    if ports.is_empty() {
        return vec![String::new()];
    }
    let conditions = ports.into_iter().filter_map(|port| {
        let protocol = port.protocol.unwrap_or_else(|| "TCP".to_owned()).to_lowercase();
        let number = match port.port {
            None => return Some(format!("meta l4proto {protocol}")),
            Some(IntOrString::Int(number)) => number,
            Some(IntOrString::String(name)) => {
                let containers = target?.spec.as_ref()?.containers.iter();
                let mut named = containers.flat_map(|container| container.ports.iter().flatten());
                named.find(|candidate| candidate.name.as_deref() == Some(name.as_str()))?.container_port
            }
        };
        let last = port.end_port.unwrap_or(number);
        Some(format!("{protocol} dport {number}-{last}"))
    });
    conditions.collect()
}
