use super::{hub_of, virtual_mesh};
use crate::{
    diagnose::rules::prelude::*,
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
    let meshes: Vec<_> = meshes.collect();
    if meshes.is_empty() {
        return Outcome::skip("no virtual mesh federates several meshes");
    }
    if hub.era() < Some(Era::C) || hub.version().is_some_and(|version| version < (0, 12)) {
        return Outcome::skip("this release does not record it");
    }
    let without: Vec<&str> = meshes
        .iter()
        .filter(|mesh| mesh.spec.pointer("/istio/smartDnsProxyingEnabled") != Some(&json!(true)))
        .map(|mesh| mesh.name())
        .collect();
    if without.is_empty() {
        return Outcome::pass();
    }
    DIAGNOSIS
        .finding()
        .title(format!("{} without the DNS proxy of Istio", count(without.len(), "mesh", "meshes")))
        .message(
            "The names of federated services end with .global, or with spec.federation.hostnameSuffix. Pods resolve them only with Istio's DNS proxy, or if the \
             DNS of the cluster forwards this domain, which cannot be seen from here.",
        )
        .evidences(without.iter().map(|name| format!("Mesh {name}: spec.istio.smartDnsProxyingEnabled is not set")))
        .remedy("set ISTIO_META_DNS_CAPTURE to \"true\" in meshConfig.defaultConfig.proxyMetadata of Istio 1.8 or later")
        .command(context.kubectl_in("istio-system").inspect("get configmap istio -o yaml"))
        .found()
}
