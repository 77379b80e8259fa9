//! The pod of a network test: `MeshSync`'s `ServiceAccount`, node, labels and DNS settings, with our container. Pure.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    api::core::v1::{Pod, PodSpec},
    jiff::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    facts::{
        Facts, destination,
        network::{Address, PURPOSE},
        stack,
        test_object::{EXPIRES, NAME, RUN},
    },
    stack::{base::permission::Permission, manifests::monitor},
};

/// Labels of `MeshSync`'s pod that its controller adds. With them, the controller would adopt the test pod.
const OF_THE_CONTROLLER: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];

/// A condition that nothing ever sets: the pod is never ready, so no Service sends traffic to it.
const NEVER_READY: &str = "meshdoctor/never-ready";

/// Hosts that mean the pod itself.
const PLACEHOLDERS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The name of the container.
pub const CONTAINER: &str = "probe";

/// The pod of a network test.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The node of `MeshSync`'s pod.
    pub node: Option<String>,
    /// `MeshSync`'s `ServiceAccount`.
    pub service_account: String,
    /// The Services that select it.
    pub services: Vec<String>,
    /// The addresses to test. The first one is the address that `MeshSync` uses.
    pub addresses: Vec<Address>,
    /// The pod.
    pub body: Value,
}

/// What a run decides about its pod.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The image.
    pub image: &'a str,
    /// The run.
    pub run: &'a str,
    /// When anyone may delete the pod.
    pub expires: Timestamp,
    /// How long the pod may run.
    pub longest: Duration,
}

/// The label selector of all pods of network tests, encoded for a URL.
pub fn selector() -> String {
    format!("{}%3D{}", PURPOSE.0.replace('/', "%2F"), PURPOSE.1)
}

/// The permissions of the test.
pub fn permissions(namespace: &str) -> Vec<Permission> {
    let pods = ["create", "delete", "get", "list"].map(|verb| Permission::to(verb, "", "pods"));
    let log = Permission::to("get", "", "pods/log");
    pods.into_iter().chain([log]).map(|permission| permission.in_namespace(namespace)).collect()
}

/// The pod for these facts.
///
/// # Errors
///
/// Why there is nothing to test.
pub fn plan(facts: &Facts, terms: Terms<'_>) -> Result<Blueprint, String> {
    let (labels, spec, node) = source(facts)?;
    let namespace = facts.target.namespace.clone();
    let addresses = addresses(facts, spec, &namespace);
    if addresses.is_empty() {
        return Err("MeshSync has no broker address, and the broker has no Service".into());
    }
    let mut labels: BTreeMap<String, String> = labels.cloned().unwrap_or_default();
    labels.retain(|key, _| !OF_THE_CONTROLLER.contains(&key.as_str()));
    let services = services(facts, &labels);
    labels.insert(PURPOSE.0.into(), PURPOSE.1.into());
    labels.insert(RUN.into(), terms.run.into());
    let service_account = spec.service_account_name.clone().unwrap_or_else(|| "default".into());
    let name = format!("{NAME}{}", terms.run);
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "annotations": { EXPIRES: format!("{:.0}", terms.expires) },
        },
        "spec": {
            "serviceAccountName": service_account,
            // The probe sends no credentials.
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "activeDeadlineSeconds": terms.longest.as_secs().max(1),
            "enableServiceLinks": false,
            "readinessGates": [{ "conditionType": NEVER_READY }],
            "securityContext": monitor::pod_security(),
            "containers": [container(terms.image, &addresses)],
        },
    });
    if let Some(node) = &node {
        body["spec"]["nodeName"] = node.as_str().into();
    }
    copy(spec, &mut body["spec"]);
    Ok(Blueprint { name, namespace, node, service_account, services, addresses, body })
}

/// What the pod is modeled on: `MeshSync`'s pod, or its Deployment if it has none.
type Source<'a> = (Option<&'a BTreeMap<String, String>>, &'a PodSpec, Option<String>);

fn source(facts: &Facts) -> Result<Source<'_>, String> {
    let container = facts.profile.meshsync.container;
    let mut pods: Vec<&Pod> = stack::meshsync_pods(facts);
    pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    pods.sort_by_key(|pod| stack::running_since(pod, container).is_none());
    if let Some((pod, spec)) = pods.first().and_then(|pod| Some((pod, pod.spec.as_ref()?))) {
        return Ok((pod.metadata.labels.as_ref(), spec, spec.node_name.clone()));
    }
    let deployment = stack::meshsync_deployment(facts);
    let template = deployment.known().and_then(|deployment| Some(&deployment.spec.as_ref()?.template));
    if let Some((template, spec)) = template.and_then(|template| Some((template, template.spec.as_ref()?))) {
        let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        return Ok((labels, spec, None));
    }
    Err(match deployment.why_unsettled().or_else(|| facts.pods.why_unsettled()) {
        Some(why) => format!("MeshSync's pod is not known: {why}"),
        None => "MeshSync is not deployed, so there is no pod to imitate".into(),
    })
}

/// The address in `MeshSync`'s environment, and the broker's Service.
fn addresses(facts: &Facts, spec: &PodSpec, namespace: &str) -> Vec<Address> {
    let ports = &facts.profile.broker;
    let mut addresses = Vec::new();
    let used = destination::variable(&spec.containers, destination::ADDRESS).and_then(destination::host_and_port);
    // An address of another form could be taken for a flag, or be expanded by the kubelet.
    let plain = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c));
    let used = used.filter(|(host, port)| plain(host) && !host.is_empty() && *port > 0);
    // The operator's placeholder until the broker has an address is the pod itself.
    let used = used.filter(|(host, _)| !PLACEHOLDERS.contains(&host.as_str()));
    addresses.extend(used.map(|(host, port)| Address { host, port, monitor_port: ports.monitor_port }));
    let elsewhere = destination::of(facts).is_some_and(|destination| destination.is_elsewhere());
    let resolves = spec.host_network != Some(true) || spec.dns_policy.as_deref() == Some("ClusterFirstWithHostNet");
    let service = stack::broker_services(facts).into_iter().next().filter(|_| !elsewhere && resolves);
    addresses.extend(service.map(|service| Address {
        host: format!("{}.{namespace}.svc", stack::name(&service.metadata)),
        port: ports.client_port,
        monitor_port: ports.monitor_port,
    }));
    addresses.dedup();
    addresses
}

fn services(facts: &Facts, labels: &BTreeMap<String, String>) -> Vec<String> {
    let selects = |selector: &BTreeMap<String, String>| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let services = facts.services.items().iter();
    let services =
        services.filter(|service| service.spec.as_ref().and_then(|s| s.selector.as_ref()).is_some_and(selects));
    services.map(|service| stack::name(&service.metadata).to_owned()).collect()
}

fn container(image: &str, addresses: &[Address]) -> Value {
    let brokers = addresses.iter().map(|address| format!("--broker={}", address.shown()));
    let port = addresses.first().map_or(0, |address| address.monitor_port);
    let arguments: Vec<String> =
        std::iter::once("network-probe".to_owned()).chain(brokers).chain([format!("--monitor-port={port}")]).collect();
    json!({
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "resources": monitor::resources(),
        "securityContext": monitor::container_security(),
    })
}

/// Copies what decides about the network, and about the node.
fn copy(from: &PodSpec, to: &mut Value) {
    const FIELDS: [&str; 7] =
        ["dnsPolicy", "dnsConfig", "hostAliases", "hostNetwork", "tolerations", "imagePullSecrets", "runtimeClassName"];
    let Ok(Value::Object(mut from)) = serde_json::to_value(from) else {
        return;
    };
    for field in FIELDS {
        if let Some(value) = from.remove(field) {
            to[field] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::recording;

    const TERMS: Terms<'static> = Terms {
        image: "meshdoctor:1",
        run: "0a1b",
        expires: Timestamp::UNIX_EPOCH,
        longest: Duration::from_millis(30_500),
    };

    /// A namespace with the broker's Service, and MeshSync's pod with this specification.
    fn facts(spec: &Value) -> Facts {
        let labels = json!({ "app": "meshery", "component": "meshsync", "pod-template-hash": "6f8" });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "meshery-meshsync-6f8-x", "namespace": "meshery", "labels": labels },
            "spec": spec,
        });
        let service = |name: &str, selector: Value| {
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": "meshery" },
                "spec": { "selector": selector },
            })
        };
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
            pod,
            service("meshery-nats", json!({ "app.kubernetes.io/name": "nats" })),
            service("meshsync", json!({ "component": "meshsync" })),
        ] });
        recording::read_text("facts", &list.to_string(), None, None).expect("facts").remove(0)
    }

    fn container(url: &str) -> Value {
        json!([{ "name": "meshsync", "image": "i", "env": [{ "name": "BROKER_URL", "value": url }] }])
    }

    #[test]
    fn pod_has_what_decides_about_meshsyncs_network_and_nothing_else() {
        let spec = json!({
            "containers": container("nats://token@10.96.0.7:4222"),
            "serviceAccountName": "meshery-operator",
            "nodeName": "worker-1",
            "dnsPolicy": "None",
            "dnsConfig": { "nameservers": ["192.0.2.53"] },
            "hostAliases": [{ "ip": "192.0.2.1", "hostnames": ["a"] }],
            "tolerations": [{ "operator": "Exists" }],
            "volumes": [{ "name": "secret", "secret": { "secretName": "s" } }],
            "priorityClassName": "high",
        });
        let planned = plan(&facts(&spec), TERMS).expect("a pod");
        assert_eq!(planned.node.as_deref(), Some("worker-1"));
        assert_eq!(planned.services, ["meshsync"]);
        let shown: Vec<String> = planned.addresses.iter().map(Address::shown).collect();
        assert_eq!(shown, ["10.96.0.7:4222", "meshery-nats.meshery.svc:4222"]);
        let body = &planned.body;
        let labels = json!({ "app": "meshery", "component": "meshsync", "meshdoctor/run": "0a1b", "meshdoctor/test": "network" });
        assert_eq!(body["metadata"]["labels"], labels);
        for field in ["serviceAccountName", "nodeName", "dnsPolicy", "dnsConfig", "hostAliases", "tolerations"] {
            assert_eq!(body["spec"][field], spec[field], "{field}");
        }
        for field in ["volumes", "priorityClassName", "hostNetwork"] {
            assert!(body["spec"][field].is_null(), "{field}");
        }
        assert_eq!(body["spec"]["activeDeadlineSeconds"], 30);
        assert!(!body.to_string().contains("token@"), "{body:#}");
        let pod: Pod = serde_json::from_value(body.clone()).expect("a pod");
        assert!(crate::facts::network::is_own(&pod.metadata));
    }

    #[test]
    fn address_that_could_be_taken_for_something_else_is_not_passed_on() {
        for url in ["nats://localhost:4222", "nats://127.0.0.1:4222", "nats://$(TOKEN):4222", "nats://-x y:4222", ""] {
            let spec = json!({ "containers": container(url) });
            let planned = plan(&facts(&spec), TERMS).expect("a pod");
            let shown: Vec<String> = planned.addresses.iter().map(Address::shown).collect();
            assert_eq!(shown, ["meshery-nats.meshery.svc:4222"], "{url}");
        }
        // A pod in the node's network does not use the cluster's DNS.
        let spec = json!({ "containers": container("10.96.0.7:4222"), "hostNetwork": true });
        let planned = plan(&facts(&spec), TERMS).expect("a pod");
        assert_eq!(planned.addresses.len(), 1);
        assert_eq!(planned.body["spec"]["hostNetwork"], true);
    }

    #[test]
    fn pod_of_a_test_is_not_part_of_the_facts() {
        let spec = json!({ "containers": container("10.96.0.7:4222") });
        let planned = plan(&facts(&spec), TERMS).expect("a pod");
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [planned.body] });
        let facts = recording::read_text("facts", &list.to_string(), None, None).expect("facts").remove(0);
        assert!(facts.pods.items().is_empty());
        assert!(plan(&facts, TERMS).is_err());
    }
}
