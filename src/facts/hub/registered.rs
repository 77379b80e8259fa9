//! What is queried only in a registered cluster: Istio, its certificate, and the DNS of the cluster.

use k8s_openapi::{
    api::core::v1::{Pod, Service},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::stack::base::seen::Seen;

/// The maximum number of items that are kept of a list.
const MOST: usize = 100;

/// What is queried only in a registered cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Registered {
    /// The `ServiceAccount`s of the agent's namespace. Registration creates one with the name of the cluster.
    pub service_accounts: Seen<Vec<String>>,
    /// Istio, in each namespace in which one was discovered.
    pub istio: Vec<IstioFacts>,
    /// The domains that the cluster's DNS serves or forwards separately: `global`.
    pub dns_zones: Seen<Vec<String>>,
}

/// Istio in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioFacts {
    /// The namespace.
    pub namespace: String,
    /// The Secret with the certificate with which istiod signs.
    pub cacerts: Seen<SecretFact>,
    /// The pods of istiod.
    pub istiod: Seen<Vec<IstiodPod>>,
    /// The Services of the ingress gateways.
    pub gateways: Seen<Vec<Gateway>>,
}

/// When a Secret was written. Its content is never read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretFact {
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When its data was last changed, if that is known and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
}

impl SecretFact {
    /// Reads the metadata of a Secret.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
        let entries = metadata.managed_fields.iter().flatten();
        let of_data =
            entries.filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:data").is_some()));
        let changed = of_data.filter_map(|entry| entry.time.as_ref()).map(|time| time.0).max();
        Self { created, changed: changed.filter(|changed| Some(*changed) > created) }
    }

    /// Since when it has had its present content.
    pub fn since(&self) -> Option<Timestamp> {
        self.changed.or(self.created)
    }
}

/// A pod of istiod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IstiodPod {
    /// Its name.
    pub name: String,
    /// When its first container started. `None` if none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
}

impl IstiodPod {
    /// The pods that run.
    pub fn running(pods: &[Pod]) -> Vec<Self> {
        let live = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        let of = |pod: &Pod| {
            let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            let starts = statuses.filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.as_ref());
            let started = starts.map(|time| time.0).min()?;
            Some(Self { name: pod.metadata.name.clone()?, started: Some(started) })
        };
        live.filter_map(of).take(MOST).collect()
    }
}

/// The Service of an ingress gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// `LoadBalancer`, `NodePort`, `ClusterIP`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its external addresses. A `NodePort` has those of the nodes, which are not listed.
    pub addresses: Vec<String>,
    /// Whether it has a port with the name `tls`, through which other meshes come.
    pub has_tls_port: bool,
}

impl Gateway {
    /// The ingress gateways among these Services.
    pub fn among(services: &[Service]) -> Vec<Self> {
        services.iter().filter_map(Self::of).take(MOST).collect()
    }

    fn of(service: &Service) -> Option<Self> {
        let spec = service.spec.as_ref()?;
        (spec.selector.as_ref()?.get("istio")? == "ingressgateway").then_some(())?;
        let ingress =
            service.status.iter().filter_map(|status| status.load_balancer.as_ref()?.ingress.as_ref()).flatten();
        let assigned = ingress.filter_map(|ingress| ingress.ip.clone().or_else(|| ingress.hostname.clone()));
        Some(Self {
            name: service.metadata.name.clone()?,
            kind: spec.type_.clone().unwrap_or_else(|| "ClusterIP".into()),
            addresses: assigned.chain(spec.external_ips.iter().flatten().cloned()).take(MOST).collect(),
            has_tls_port: spec.ports.iter().flatten().any(|port| port.name.as_deref() == Some("tls")),
        })
    }

    /// Whether other clusters can reach it.
    pub fn is_usable(&self) -> bool {
        self.has_tls_port && (!self.addresses.is_empty() || self.kind == "NodePort")
    }
}

/// The zones of a Corefile, without port, transport and the dot at the end. The root is not one.
pub fn zones(corefile: &str) -> Vec<String> {
    let mut zones = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut depth = 0_usize;
    for line in corefile.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if depth == 0 {
            // The names of a block can be in several lines, which end with a comma.
            names.extend(line.split(['{', '}']).next().unwrap_or_default().split([' ', '\t', ',']));
            if line.contains('{') {
                let of_block = names.iter().map(|word| zone(word)).filter(|zone| !zone.is_empty());
                zones.extend(of_block.map(str::to_ascii_lowercase));
            }
            if !line.ends_with(',') {
                names.clear();
            }
        }
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
    }
    zones.truncate(MOST);
    zones
}

/// The name of a zone in a word of a Corefile. Empty for the root and for snippets.
fn zone(word: &str) -> &str {
    let name = word.rsplit("://").next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default().trim_end_matches(['{', '.']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.chars().all(is_name) { name } else { "" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secret_is_as_old_as_its_data() {
        let metadata = |entries: serde_json::Value| {
            let value = json!({ "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": entries });
            SecretFact::of(&serde_json::from_value(value).expect("metadata"))
        };
        let entry = |time: &str, fields: serde_json::Value| json!({ "time": time, "fieldsV1": fields });
        let labelled = metadata(json!([entry("2026-01-03T00:00:00Z", json!({ "f:metadata": {} }))]));
        assert_eq!(labelled.since(), "2026-01-01T00:00:00Z".parse().ok());
        let rewritten = metadata(json!([entry("2026-01-02T00:00:00Z", json!({ "f:data": { "f:x": {} } })), {}]));
        assert_eq!(rewritten.since(), "2026-01-02T00:00:00Z".parse().ok());
        assert_eq!(SecretFact::of(&ObjectMeta::default()).since(), None);
    }

    #[test]
    fn zones_of_a_corefile_are_read() {
        let corefile = ".:53 {\n    errors\n    forward . /etc/resolv.conf {\n      max 9\n    }\n}\n\
                        global:53 Example.org. {\n    forward . 10.0.0.1\n}\n(snippet) { }\nimport ../custom/*.server\na.local,\n  b.local { }\ndns://mesh.local:53 { }";
        assert_eq!(zones(corefile), ["global", "example.org", "a.local", "b.local", "mesh.local"]);
        assert_eq!(zones("}}}{\nx"), [""; 0]);
    }

    #[test]
    fn gateway_needs_a_port_and_an_address() {
        let gateway = |change: serde_json::Value| {
            let mut service = json!({
                "metadata": { "name": "gw" },
                "spec": { "type": "LoadBalancer", "selector": { "istio": "ingressgateway" }, "ports": [{ "name": "tls", "port": 15443 }] },
                "status": { "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } },
            });
            json_patch::merge(&mut service, &change);
            Gateway::among(&[serde_json::from_value(service).expect("a Service")])
        };
        assert!(gateway(json!({}))[0].is_usable());
        assert!(!gateway(json!({ "status": null }))[0].is_usable());
        assert!(gateway(json!({ "status": null, "spec": { "type": "NodePort" } }))[0].is_usable());
        assert!(!gateway(json!({ "spec": { "ports": [{ "name": "https", "port": 443 }] } }))[0].is_usable());
        assert!(gateway(json!({ "spec": { "selector": { "istio": "egressgateway" } } })).is_empty());
    }
}
