use super::{
    hub_of,
    virtual_mesh::{self, VirtualMesh},
};
use crate::{
    diagnose::rules::prelude::*,
    facts::hub::HubObject,
    stack::{base::words::count, hub::Era},
};

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "smh-dns-not-configured",
    title: "Names of other meshes may not resolve",
    explanation: include_str!("dns_not_configured.md"),
    cure: Cure::Person(because::INFORMATION),
    ..Diagnosis::info(Component::Agents).of_hub()
};

pub(crate) static CHECK: Check = Check {
    id: "smh-dns",
    title: "each federated mesh resolves the names of the others",
    ..Check::of_hub(&[&DIAGNOSIS], judge)
};

fn judge(context: &RuleContext<'_>) -> Judgement {
    let hub = hub_of(context)?;
    let all = virtual_mesh::all(&hub);
    let meshes = all.iter().filter(|it| it.federates(hub.era())).flat_map(|it| &it.meshes);
    let meshes: Vec<&HubObject> = meshes.copied().collect();
    if meshes.is_empty() {
        return Outcome::skip("no virtual mesh federates several meshes");
    }
    if hub.era() < Some(Era::C) || hub.version().is_some_and(|version| version < (0, 12)) {
        return Outcome::skip("this release does not record it");
    }
    let lacks = |mesh: &&&HubObject| mesh.spec.pointer("/istio/smartDnsProxyingEnabled") != Some(&json!(true));
    let zones = |mesh: &HubObject| hub.remote_of(mesh).and_then(|remote| remote.dns_zones());
    let domains = domains(&all);
    let forwards = |mesh: &HubObject| zones(mesh).is_some_and(|zones| domains.iter().all(|it| is_served(zones, it)));
    let without: Vec<&HubObject> = meshes.iter().filter(lacks).filter(|mesh| !forwards(mesh)).copied().collect();
    if without.is_empty() {
        return Outcome::pass();
    }
    let is_seen = without.iter().all(|mesh| zones(mesh).is_some());
    let of_cluster =
        if is_seen { "ConfigMap coredns has no zone for it" } else { "whether it does cannot be seen from here" };
    DIAGNOSIS
        .finding()
        .title(format!("{} without the DNS proxy of Istio", count(without.len(), "mesh", "meshes")))
        .message(format!(
            "The names of federated services end with .{}. Pods resolve them with Istio's DNS proxy, or if the DNS of the \
             cluster forwards this domain; {of_cluster}.",
            domains.join(" or .")
        ))
        .evidences(without.iter().map(|mesh| format!("Mesh {}: spec.istio.smartDnsProxyingEnabled is not set", mesh.name())))
        .evidences(without.iter().filter_map(|mesh| Some(shown(mesh, zones(mesh)?))))
        .remedy("set ISTIO_META_DNS_CAPTURE to \"true\" in meshConfig.defaultConfig.proxyMetadata of Istio 1.8 or later")
        .commands(without.iter().filter_map(|mesh| {
            let inside = hub.remote_of(mesh)?.rules(context.expect);
            let namespace = mesh.istio_namespace_or_default();
            Some(inside.kubectl_in(namespace).inspect("get configmap istio -o yaml"))
        }))
        .found()
}

/// The domains of federated services: `global` unless the virtual mesh has another suffix.
fn domains(all: &[VirtualMesh<'_>]) -> Vec<String> {
    let suffix = |it: &VirtualMesh<'_>| {
        let suffix = it.policy.object.text("/federation/hostnameSuffix").unwrap_or("global");
        suffix.trim_matches('.').to_ascii_lowercase()
    };
    let mut domains: Vec<String> = all.iter().map(suffix).collect();
    domains.sort();
    domains.dedup();
    domains
}

/// Whether one of these zones contains a domain.
fn is_served(zones: &[String], domain: &str) -> bool {
    zones.iter().any(|zone| domain == zone || domain.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
}

fn shown(mesh: &HubObject, zones: &[String]) -> String {
    let zones = if zones.is_empty() { "only .".to_owned() } else { zones.join(", ") };
    format!("cluster {}: zones of ConfigMap kube-system/coredns: {zones}", mesh.cluster_of_mesh())
}
