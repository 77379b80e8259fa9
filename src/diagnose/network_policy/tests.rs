//! Policies and pods, evaluated as Kubernetes does.

use serde_json::{Value, json};

use super::*;
use crate::stack::{manifests, profile};

const MONITOR: Port = Port { protocol: "TCP", number: 8222 };
const CLIENT: Port = Port { protocol: "TCP", number: 4222 };

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
fn blocked(specs: &[Value], port: Port, direction: Direction, names: &[&str]) {
    let policies = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(between(specs, port), Reach::Blocked { direction, policies });
}

#[test]
fn traffic_is_allowed_if_no_policy_selects_the_pod() {
    open(&[], CLIENT);
    open(&[json!({ "podSelector": { "matchLabels": { "role": "other" } } })], CLIENT);
}

#[test]
fn empty_selector_without_rules_blocks_every_pod() {
    blocked(&[json!({ "podSelector": {} })], CLIENT, Direction::Ingress, &["p0"]);
    // Without policy types, egress is restricted only if there is an egress rule.
    blocked(
        &[json!({ "podSelector": {}, "egress": [{ "ports": [{ "port": 53 }] }],
            "ingress": [{}] })],
        CLIENT,
        Direction::Egress,
        &["p0"],
    );
    open(&[json!({ "podSelector": {}, "ingress": [{}], "egress": [] })], CLIENT);
}

#[test]
fn policy_types_decide_which_direction_is_restricted() {
    let egress = json!({ "podSelector": { "matchLabels": { "role": "meshsync" } }, "policyTypes": ["Egress"] });
    blocked(&[egress], CLIENT, Direction::Egress, &["p0"]);
    // Rules of a direction that is not among the policy types have no effect.
    open(
        &[json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}],
            "egress": [{ "ports": [{ "port": 1 }] }] })],
        CLIENT,
    );
    open(&[json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "policyTypes": ["Egress"] })], CLIENT);
}

#[test]
fn policies_are_additive() {
    let deny = json!({ "podSelector": {}, "policyTypes": ["Ingress"] });
    let allow = json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "ingress": [{
        "from": [{ "podSelector": { "matchLabels": { "role": "meshsync" } } }],
        "ports": [{ "port": 4222 }],
    }] });
    open(&[deny.clone(), allow.clone()], CLIENT);
    blocked(&[deny, allow], MONITOR, Direction::Ingress, &["p0", "p1"]);
}

fn ingress(rule: &Value) -> Value {
    json!({ "podSelector": { "matchLabels": { "role": "nats" } }, "ingress": [rule] })
}

#[test]
fn peers_match_by_pod_selector_namespace_selector_or_both() {
    let from = |peer: Value| [ingress(&json!({ "from": [peer] }))];
    let no = |peer: Value| blocked(&from(peer), CLIENT, Direction::Ingress, &["p0"]);
    let yes = |peer: Value| open(&from(peer), CLIENT);
    yes(json!({ "podSelector": {} }));
    no(json!({ "podSelector": { "matchLabels": { "role": "server" } } }));
    yes(json!({ "namespaceSelector": {} }));
    yes(json!({ "namespaceSelector": { "matchLabels": { "team": "mesh" } } }));
    yes(json!({ "namespaceSelector": { "matchLabels": { NAME_LABEL: "meshery" } } }));
    no(json!({ "namespaceSelector": { "matchLabels": { NAME_LABEL: "default" } } }));
    no(json!({ "namespaceSelector": { "matchLabels": { "team": "mesh" } },
        "podSelector": { "matchLabels": { "role": "server" } } }));
    // Two list entries are alternatives; two selectors in one entry must both match.
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
fn match_expressions_follow_label_selector_semantics() {
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
fn ip_blocks_match_addresses_except_excluded_ranges() {
    let block = |block: Value| between(&[ingress(&json!({ "from": [{ "ipBlock": block }] }))], CLIENT) == Reach::Open;
    assert!(block(json!({ "cidr": "10.1.0.0/16" })));
    assert!(block(json!({ "cidr": "0.0.0.0/0" })));
    assert!(block(json!({ "cidr": "10.1.2.3/32" })));
    assert!(!block(json!({ "cidr": "10.2.0.0/16" })));
    assert!(!block(json!({ "cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"] })));
    assert!(block(json!({ "cidr": "10.1.0.0/16", "except": ["10.1.3.0/24"] })));
    assert!(!block(json!({ "cidr": "fd00::/8" })));
}

#[test]
fn ports_match_by_number_range_name_or_protocol() {
    let ports = |list: Value, port: Port| between(&[ingress(&json!({ "ports": list }))], port) == Reach::Open;
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
fn unknown_facts_block_nothing() {
    let list = policies(&[json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{ "namespaceSelector": { "matchLabels": { "purpose": "dns" } },
            "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } } }],
        "ports": [{ "port": 53, "protocol": "UDP" }],
    }] })]);
    let home = home();
    let policies = Policies::new(&list, &home);
    let system = Namespace::new("kube-system", None);
    let from = pod("meshsync", "meshsync", "10.1.2.3");
    let dns = |protocol| Port { protocol, number: 53 };
    assert_eq!(policies.sends(&from, &RemoteEnd::UnknownPodIn(&system), dns("UDP")), Reach::Open);
    assert_ne!(policies.sends(&from, &RemoteEnd::UnknownPodIn(&system), dns("TCP")), Reach::Open);
    // With known labels, the namespace does not match.
    let system = Namespace::new("kube-system", Some(&BTreeMap::new()));
    assert_ne!(policies.sends(&from, &RemoteEnd::UnknownPodIn(&system), dns("UDP")), Reach::Open);
}

#[test]
fn host_network_pods_and_traffic_to_self_are_allowed() {
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

#[test]
fn policy_of_the_installation_admits_only_meshsync_server_and_meshdoctor() {
    for profile in profile::WITH_MESHSYNC {
        let options = manifests::Options { network_policy: true, ..manifests::Options::default() };
        let objects = manifests::manifests(profile, "somewhere", &options);
        let policies: Vec<NetworkPolicy> = objects
            .iter()
            .filter(|object| object.id.kind == "NetworkPolicy")
            .map(|object| serde_json::from_value(object.body.clone()).expect("a policy"))
            .collect();
        assert_eq!(policies.len(), 1);
        let home = Namespace::new("somewhere", None);
        let policies = Policies::new(&policies, &home);
        let pods: Vec<Pod> = manifests::pods(profile, "somewhere").iter().filter_map(manifests::typed).collect();
        let [operator, broker, meshsync] = pods.as_slice() else { panic!("three pods") };
        let labelled = |namespace: &str, labels: Value| -> Pod {
            let metadata = json!({ "name": "x", "namespace": namespace, "labels": labels });
            serde_json::from_value(json!({ "metadata": metadata })).expect("a pod")
        };
        let server = labelled("somewhere", json!({ "app.kubernetes.io/name": profile.name }));
        let monitor = labelled("somewhere", json!({ "app.kubernetes.io/name": "meshdoctor" }));
        let stranger = labelled("somewhere", json!({ "app": "web" }));
        let names = &profile.broker;
        let reach = |from: &Pod, number: u16| policies.between(from, broker, Port { protocol: "TCP", number });
        for number in [names.client_port, names.monitor_port] {
            for from in [meshsync, &server, &monitor] {
                assert_eq!(reach(from, number), Reach::Open, "{}: {number}", profile.name);
            }
            for from in [operator, &stranger] {
                let blocked = Reach::Blocked { direction: Direction::Ingress, policies: vec![profile.broker_policy()] };
                assert_eq!(reach(from, number), blocked, "{}: {number}", profile.name);
            }
        }
        assert_ne!(reach(meshsync, 6222), Reach::Open);
        // Nothing but the broker is isolated, and nothing is limited in what it sends.
        let port = Port { protocol: "TCP", number: 8443 };
        assert_eq!(policies.between(&stranger, operator, port), Reach::Open);
        assert_eq!(policies.between(broker, meshsync, port), Reach::Open);
        // The same labels in another namespace are not enough.
        let away = Namespace::new("elsewhere", None);
        let other = labelled("elsewhere", json!({ "app.kubernetes.io/name": profile.name }));
        let port = Port { protocol: "TCP", number: names.client_port };
        let from = RemoteEnd::Pod(&other, &away);
        let reach =
            policies.one_way(Direction::Ingress, broker, &from, &|wanted| port_matches(wanted, port, Some(broker)));
        assert_ne!(reach, Reach::Open);
    }
}
